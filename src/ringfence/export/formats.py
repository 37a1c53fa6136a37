"""Rings and leads in the file formats of other tools."""

import io
import json
import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from ringfence.domain.errors import InvalidError
from ringfence.domain.lead_decisions import LeadStanding
from ringfence.export.graph import select_leads, select_rings, to_networkx, with_iso_times
from ringfence.export.run_folder import RunFolder
from ringfence.export.tables import write_table
from ringfence.export.whole_file import write_whole

if TYPE_CHECKING:
    import networkx as nx


class Format(StrEnum):
    """What rings and leads are exported as."""

    CSV = "csv"
    GEXF = "gexf"
    GRAPHML = "graphml"
    JSON = "json"


_STANDING: dict[str, Any] = {
    "lead_id": pl.String,
    "status": pl.String,
    "decided_at": pl.Datetime("us", "UTC"),
    "decided_by": pl.String,
    "reason": pl.String,
    "because": pl.String,
}
_UNFIT_FOR_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]|\\\\(?=u)")
_GEXF_DATE = re.compile(rb' lastmodifieddate="[^"]*"')


def export_rings(
    run: RunFolder, target: Path | str | BinaryIO, format: Format, ring_ids: Collection[str] | None = None
) -> None:
    """Write rings (all for None) to a file, whole or not at all, or to a binary stream.

    The same run gives the same bytes. Raises NotFoundError for an unknown ring, UnavailableError where the
    disk refuses.
    """
    _write(render_rings(run, format, ring_ids), target)


def render_rings(run: RunFolder, format: Format, ring_ids: Collection[str] | None = None) -> bytes:
    """Rings (all for None) as the bytes of a file.

    csv: a row a member, with the ring's columns beside it. json: a list of rings, each with its members,
    joint claims and links. gexf, graphml: the graph of `to_networkx`, lists as JSON text; a character that
    XML forbids is written as in JSON (`\\u0001`), and so is a backslash before a `u`, so that ids stay apart.
    """
    match format:
        case Format.CSV:
            part = select_rings(run, ring_ids)
            return _rows("rings", "ring_id", part.rings, part.members, "member")
        case Format.JSON:
            return _json(select_rings(run, ring_ids))
        case Format.GEXF:
            content = io.BytesIO()
            import networkx as nx

            nx.write_gexf(_for_xml(to_networkx(run, ring_ids)), content)
            # The writer stamps today's date, and equal runs must give equal bytes.
            return _GEXF_DATE.sub(b"", content.getvalue(), count=1) + b"\n"
        case Format.GRAPHML:
            content = io.BytesIO()
            # The writer of the plain name changes its output where lxml happens to be installed.
            import networkx as nx

            nx.write_graphml_xml(_for_xml(to_networkx(run, ring_ids)), content)
            return content.getvalue() + b"\n"


def export_leads(
    run: RunFolder,
    target: Path | str | BinaryIO,
    format: Format,
    lead_ids: Collection[str] | None = None,
    standings: Mapping[str, LeadStanding] | None = None,
) -> None:
    """Write leads (all for None) as `export_rings` writes rings. Raises as it does, and as `render_leads`."""
    _write(render_leads(run, format, lead_ids, standings), target)


def render_leads(
    run: RunFolder,
    format: Format,
    lead_ids: Collection[str] | None = None,
    standings: Mapping[str, LeadStanding] | None = None,
) -> bytes:
    """Leads (all for None) as the bytes of a file.

    csv: a row a buyer, with the lead's columns beside it. json: a list of leads, each with its buyers and
    joint claims. With `standings`, by lead id, each says where it stands: its `status`, when, by whom and why
    it was dismissed or restored last, and `because`, the same and how it grew since in one sentence. Raises
    InvalidError for other formats, NotFoundError for an unknown lead.
    """
    part = select_leads(run, lead_ids)
    leads = part.leads
    if standings is not None:
        leads = leads.join(_standing_rows(standings), on="lead_id", how="left", maintain_order="left")
    match format:
        case Format.CSV:
            return _rows("leads", "lead_id", leads, part.lead_members, "buyer")
        case Format.JSON:
            parts = {"buyers": part.lead_members, "evidence": part.lead_evidence}
            return _document("leads", "lead_id", leads, parts)
    raise InvalidError(f"Leads are exported as csv or json, not as {format}.")


def _standing_rows(standings: Mapping[str, LeadStanding]) -> pl.DataFrame:
    """Give where leads stand, a row a lead; what nobody decided about has no reason, name or time."""
    rows = [
        (
            lead_id,
            standing.status.value,
            standing.record.last_at if standing.record.by is not None else None,
            standing.record.by,
            standing.record.reason,
            standing.because,
        )
        for lead_id, standing in standings.items()
    ]
    return pl.DataFrame(rows, schema=_STANDING, orient="row")


def _write(content: bytes, target: Path | str | BinaryIO) -> None:
    if isinstance(target, (str, Path)):
        write_whole(target, content)
    else:
        target.write(content)


def _rows(table: str, key: str, groups: pl.DataFrame, members: pl.DataFrame, member: str) -> bytes:
    """Rows of CSV: one a member, with its group's columns beside it; its own are named for `member`."""
    named = members.rename({"score": f"{member}_score", "why": f"{member}_why"})
    content = io.BytesIO()
    write_table(table, groups.join(named, on=key, maintain_order="left_right"), content)
    return content.getvalue()


def _json(run: RunFolder) -> bytes:
    parts = {"members": run.members, "evidence": run.evidence}
    if run.links is not None:
        rings_of = run.members.select("ring_id", "buyer_id")
        parts["links"] = run.links.join(
            rings_of, left_on="buyer_a", right_on="buyer_id", maintain_order="left_right"
        ).join(
            rings_of, left_on=["buyer_b", "ring_id"], right_on=["buyer_id", "ring_id"], maintain_order="left"
        )
    return _document("rings", "ring_id", run.rings, parts)


def _document(name: str, key: str, groups: pl.DataFrame, parts: Mapping[str, pl.DataFrame]) -> bytes:
    """One JSON document: a list of groups, each with the rows of `parts` that have its key."""
    split = {
        part: with_iso_times(rows).partition_by(key, as_dict=True, include_key=False)
        for part, rows in parts.items()
    }
    told = with_iso_times(groups).to_dicts()
    for group in told:
        for part, rows in split.items():
            found = rows.get((group[key],))
            group[part] = [] if found is None else found.to_dicts()
    text = json.dumps({name: told}, ensure_ascii=False, sort_keys=True, indent=2)
    return (text + "\n").encode()


def _for_xml(graph: "nx.Graph") -> "nx.Graph":
    """The graph with every node and value as XML can hold it."""
    import networkx as nx

    fit = nx.Graph()
    for node, attributes in graph.nodes(data=True):
        fit.add_node(_fit(node), **{name: _fit(value) for name, value in attributes.items()})
    for one, other, attributes in graph.edges(data=True):
        fit.add_edge(_fit(one), _fit(other), **{name: _fit(value) for name, value in attributes.items()})
    return fit


def _fit(value: Any) -> Any:
    if isinstance(value, list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return _UNFIT_FOR_XML.sub(lambda found: f"\\u{ord(found.group()):04x}", value)
    return value
