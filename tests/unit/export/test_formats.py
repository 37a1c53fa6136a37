import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from export_samples import sample_run
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.domain.errors import InvalidError, NotFoundError, UnavailableError
from ringfence.domain.lead_decisions import LeadRecord, LeadStatus, lead_standing
from ringfence.domain.rings import Strength
from ringfence.export import Format, export_leads, export_rings, render_leads, render_rings, to_networkx

strange = st.text(
    st.one_of(st.sampled_from("\\u0\x00\x01\r\n\t<&\"' ]]>"), st.characters(exclude_categories=["Cs"])),
    max_size=8,
)


def test_the_graph_has_rings_members_merchants_and_links() -> None:
    run = sample_run()
    graph = to_networkx(run)
    edges = {(kind, *sorted((one, other))) for one, other, kind in graph.edges(data="kind")}
    assert {node for node, kind in graph.nodes(data="kind") if kind == "ring"} == {
        "ring:00000a",
        "ring:00000b",
    }
    assert edges == (
        {
            ("member_of", f"buyer:{buyer}", f"ring:{ring}")
            for ring, buyer in run.members.select("ring_id", "buyer_id").rows()
        }
        | {
            ("claim", f"buyer:{buyer}", f"merchant:{merchant}")
            for buyer, merchant in run.evidence.select("buyer_id", "merchant_id").rows()
        }
        | {("linked", f"buyer:{a}", f"buyer:{b}") for a, b, *_ in run.links.rows()}  # type: ignore[union-attr]
    )
    claims = [claim for *_, ids in graph.edges(data="claim_ids", default=[]) for claim in ids]
    assert sorted(claims) == sorted(run.evidence.get_column("claim_id"))
    assert graph.nodes["buyer:B0-000"] == {"kind": "buyer", "label": "B0-000", "score": 0.9}
    assert graph.nodes["ring:00000a"]["first_claim_at"] == "2024-03-01T09:00:00Z"


def test_a_buyer_and_a_merchant_of_one_id_are_two_nodes() -> None:
    run = sample_run((2,), 1)
    same = run.evidence.get_column("merchant_id")[0]
    renamed = run.evidence.with_columns(buyer_id=run.evidence.get_column("merchant_id"))
    graph = to_networkx(type(run)(**{**vars(run), "evidence": renamed}))
    assert graph.has_edge(f"buyer:{same}", f"merchant:{same}")


def test_only_the_rings_asked_for_are_in_the_graph() -> None:
    graph = to_networkx(sample_run((5, 3, 2)), ["00000b"])
    assert {node for node, kind in graph.nodes(data="kind") if kind != "merchant"} == {
        "ring:00000b",
        "buyer:B1-000",
        "buyer:B1-001",
        "buyer:B1-002",
    }


@pytest.mark.parametrize("format", list(Format))
def test_an_unknown_ring_is_not_found(format: Format) -> None:
    with pytest.raises(NotFoundError, match="no ring nobody"):
        render_rings(sample_run(), format, ["nobody"])


def unfit(value: Any) -> Any:
    """What the file format holds, back as what the graph held."""
    if not isinstance(value, str):
        return value
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found.group(1), 16)), value)


def read_back(graph: nx.Graph) -> tuple[dict[str, Any], dict[frozenset[str], Any]]:
    nodes = {
        unfit(node): {name: unfit(value) for name, value in data.items()}
        for node, data in graph.nodes(data=True)
    }
    edges = {
        frozenset((unfit(one), unfit(other))): {
            name: unfit(value) for name, value in data.items() if name != "id"
        }
        for one, other, data in graph.edges(data=True)
    }
    return nodes, edges


def flat(data: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
        for name, value in data.items()
    }


def check_xml(prefix: str) -> None:
    run = sample_run((4, 3), 3, prefix)
    graph = to_networkx(run)
    nodes = {node: flat(data) for node, data in graph.nodes(data=True)}
    edges = {frozenset((one, other)): flat(data) for one, other, data in graph.edges(data=True)}
    assert read_back(nx.read_gexf(io.BytesIO(render_rings(run, Format.GEXF)))) == (nodes, edges)
    assert read_back(nx.read_graphml(io.BytesIO(render_rings(run, Format.GRAPHML)))) == (nodes, edges)


def test_xml_reads_back_as_the_same_graph() -> None:
    check_xml("")


@settings(max_examples=50, deadline=None)
@given(strange)
def test_strange_ids_survive_xml(prefix: str) -> None:
    check_xml(prefix)


def test_json_nests_members_evidence_and_links_in_their_ring() -> None:
    run = sample_run()
    rings = json.loads(render_rings(run, Format.JSON))["rings"]
    assert [ring["ring_id"] for ring in rings] == ["00000a", "00000b"]
    assert [len(ring["members"]) for ring in rings] == [5, 3]
    assert [len(ring["links"]) for ring in rings] == [4, 2]
    assert sum(len(ring["evidence"]) for ring in rings) == run.evidence.height
    assert rings[0]["evidence"][0]["filed_at"] == "2024-03-01T09:00:00Z"
    assert "links" not in json.loads(render_rings(sample_run(with_links=False), Format.JSON))["rings"][0]


def test_csv_has_a_safe_row_for_every_member() -> None:
    text = render_rings(sample_run(prefix="="), Format.CSV, ["00000b"]).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["buyer_id"] for row in rows] == ["'=B1-000", "'=B1-001", "'=B1-002"]
    assert {row["size"] for row in rows} == {"3"}


@pytest.mark.parametrize("format", list(Format))
def test_files_and_streams_get_the_same_bytes_every_time(format: Format, tmp_path: Path) -> None:
    stream = io.BytesIO()
    export_rings(sample_run(), stream, format)
    export_rings(sample_run(), tmp_path / "rings", format)
    assert (tmp_path / "rings").read_bytes() == stream.getvalue()
    assert [path.name for path in tmp_path.iterdir()] == ["rings"]
    assert not re.search(rb"20(?!24)\d\d-\d\d-\d\d", stream.getvalue())


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be written"):
        export_rings(sample_run(), tmp_path / "nowhere" / "rings.csv", Format.CSV)


def test_leads_are_exported_with_their_buyers_and_claims() -> None:
    run = sample_run()
    found = json.loads(render_leads(run, Format.JSON))["leads"]
    assert [lead["lead_id"] for lead in found] == ["l1", "l2"]
    assert [buyer["buyer_id"] for buyer in found[0]["buyers"]] == ["L0", "L1", "L2"]
    assert len(found[0]["evidence"]) == 6
    assert found[0]["evidence"][0]["filed_at"] == "2024-03-01T09:00:00Z"
    assert found[1]["evidence"] == []
    assert "links" not in found[0]
    rows = list(csv.DictReader(io.StringIO(render_leads(run, Format.CSV).decode())))
    assert [(row["lead_id"], row["buyer_id"], row["buyer_why"]) for row in rows] == [
        ("l1", "L0", "6 claims"),
        ("l1", "L1", "6 claims"),
        ("l1", "L2", "6 claims"),
        ("l2", "N0", "1 claim"),
    ]
    assert rows[3]["why_not"] == "One event is too few."


def test_leads_are_exported_with_where_they_stand_and_why() -> None:
    seen = Strength(2.5, 1, 0)
    down = LeadRecord(LeadStatus.DISMISSED, "=one van", "ana", 1_777_593_600_000_000, seen)
    standings = {"l1": lead_standing(LeadRecord(), seen), "l2": lead_standing(down, seen, 1)}
    decided = {"decided_at": "2026-05-01T00:00:00Z", "decided_by": "ana", "reason": "=one van"}
    because = "dismissed on 2026-05-01 by ana with 2.5 decades of evidence (reason: =one van)"
    first, second = json.loads(render_leads(sample_run(), Format.JSON, None, standings))["leads"]
    assert first["status"] == "open"
    assert {first[name] for name in (*decided, "because")} == {None}
    assert second.items() >= {"status": "dismissed", "because": because, **decided}.items()
    rows = csv.DictReader(io.StringIO(render_leads(sample_run(), Format.CSV, ["l2"], standings).decode()))
    (row,) = rows
    escaped = {"status": "dismissed", "because": because, **decided, "reason": "'=one van"}
    assert row.items() >= escaped.items()


def test_cells_of_leads_that_a_spreadsheet_would_run_are_escaped() -> None:
    (row, *_) = csv.DictReader(io.StringIO(render_leads(sample_run(prefix="=1+"), Format.CSV).decode()))
    assert (row["lead_id"], row["buyer_id"]) == ("'=1+l1", "'=1+L0")
    assert row["why"].startswith("'=1+3 buyers")
    assert row["why_not"].startswith("'=1+All")


def test_one_lead_may_be_asked_for_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    run = sample_run()
    export_leads(run, tmp_path / "leads.json", Format.JSON, ["l2"])
    (lead,) = json.loads((tmp_path / "leads.json").read_text(encoding="utf-8"))["leads"]
    assert (lead["lead_id"], lead["ring_id"]) == ("l2", "00000a")
    with pytest.raises(NotFoundError, match="no lead l9"):
        render_leads(run, Format.JSON, ["l1", "l9"])
    with pytest.raises(InvalidError, match="not as gexf"):
        render_leads(run, Format.GEXF)
