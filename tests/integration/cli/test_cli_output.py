"""What commands print: plain lines in a pipe, tables on a terminal, JSON where asked."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from itertools import chain
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import Finished, finish, run_process, start
from terminals import ESCAPE, on_terminal, plain

from ringfence.app import StoresByAddress
from ringfence.cli.printing import print_table
from ringfence.services.demonstrate import key_for_a_day

Command = Callable[..., Finished]


def table(printed: str) -> list[dict[str, str]]:
    return list(csv.DictReader(printed.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.fixture(scope="module")
def rings(found: Path) -> list[str]:
    with (found / "rings.csv").open(encoding="utf-8", newline="") as file:
        return [ring["ring_id"] for ring in csv.DictReader(file)]


def test_a_process_tells_progress_on_standard_error_and_results_on_standard_output(
    marketplace: Path, tmp_path: Path, rings: list[str]
) -> None:
    told = run_process("detect", "--input", marketplace, "--out", tmp_path / "run")
    assert told.code == 0
    assert ESCAPE not in told.out + told.err
    stages = [line.rpartition(": ") for line in told.err.splitlines()]
    assert all(seconds.endswith(" s") for _, _, seconds in stages)
    assert stages[0][0] == "read claims.csv"
    *lines, summary = told.out.splitlines()
    if lines[-1].endswith(f"ringfence leads list --run {tmp_path / 'run'}"):
        lines.pop()
    assert [row["ring"] for row in table("\n".join(lines))] == rings[:10]
    assert f"{len(rings)} rings in {tmp_path / 'run'}" in summary


def test_quiet_is_quiet(ringfence: Command, marketplace: Path, tmp_path: Path) -> None:
    told = ringfence("detect", "-i", marketplace, "-o", tmp_path / "run", "--quiet")
    assert (told.code, told.err) == (0, "")


def test_a_terminal_gets_a_table_that_fits(found: Path, rings: list[str]) -> None:
    narrow = on_terminal(80, "rings", "list", "--run", found)
    wide = on_terminal(140, "rings", "list", "--run", found)
    assert ESCAPE in narrow
    assert "\t" not in narrow + wide
    assert all(ring in narrow and ring in wide for ring in rings)
    assert "network" in wide
    assert "network" not in narrow


WORD = st.text("abc,.é≤", min_size=1, max_size=25)
CELL = st.lists(WORD, max_size=3).map(" ".join)


class Screen(io.StringIO):
    """A terminal that keeps what is shown."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8).flatmap(lambda n: st.lists(st.tuples(*[CELL] * n), max_size=4)), st.integers(40, 90))
def test_no_terminal_cuts_off_what_a_table_says(rows: list[tuple[str, ...]], columns: int) -> None:
    headers = [f"column{number}" for number in range(len(rows[0]) if rows else 2)]
    screen = Screen()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", screen)
        patch.setenv("COLUMNS", str(columns))
        print_table("", headers, rows)
    shown = plain(screen.getvalue())
    assert max(map(len, shown.splitlines()), default=0) <= columns
    assert Counter("".join(shown.split())) == Counter("".join("".join([*headers, *chain(*rows)]).split()))


def test_columns_of_one_name_are_both_shown() -> None:
    screen = Screen()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", screen)
        print_table("", ("buyer", "buyer"), [("b1", "b2")])
    assert plain(screen.getvalue()).split() == ["buyer", "buyer", "b1", "b2"]


def test_a_terminal_sees_progress_that_clears_away(marketplace: Path, tmp_path: Path) -> None:
    shown = on_terminal(100, "generate", tmp_path / "made", "--buyers", "500")
    assert "people and shops" in shown
    assert f"Marketplace in {tmp_path / 'made'}" in shown
    assert f"{ESCAPE}[?25l" in shown  # the cursor hides for the bar
    assert shown.rindex(f"{ESCAPE}[?25h") > shown.rindex(f"{ESCAPE}[?25l")  # and comes back


def test_rings_are_listed_in_plain_lines_and_can_be_chosen(
    ringfence: Command, found: Path, rings: list[str]
) -> None:
    told = ringfence("rings", "list", "--run", found)
    listed = table(told.out)
    assert (told.code, told.err) == (0, "")
    assert [row["ring"] for row in listed] == rings
    best = listed[0]
    with (found / "evidence.csv").open(encoding="utf-8", newline="") as file:
        claim = next(row for row in csv.DictReader(file) if row["ring_id"] == best["ring"])
    by_buyer = table(ringfence("rings", "list", "--run", found, "--buyer", claim["buyer_id"]).out)
    assert by_buyer == [best]
    assert best in table(ringfence("rings", "list", "--run", found, "--merchant", claim["merchant_id"]).out)
    assert best in table(ringfence("rings", "list", "--run", found, "--network", best["network"]).out)
    strong = table(ringfence("rings", "list", "--run", found, "--min-score", best["evidence"]).out)
    assert strong in ([best], [])  # the evidence is shown with one decimal
    assert table(ringfence("rings", "list", "--run", found, "--limit", "2").out) == listed[:2]
    assert ringfence("rings", "list", "--run", found, "--buyer", "nobody").out == "No ring fits.\n"


def test_a_ring_is_shown_with_its_members_claims_and_links(
    ringfence: Command, found: Path, rings: list[str]
) -> None:
    told = ringfence("rings", "show", rings[0], "--run", found)
    assert told.code == 0
    assert told.out.startswith(f"{rings[0]} (network ")
    for header in ("buyer\tevidence\twhy", "event\tmerchant\tfiled at", "buyer\tbuyer\tevidence\twhy"):
        assert header in told.out


@pytest.mark.parametrize(
    "arguments", [("rings", "list"), ("rings", "show", "FIRST"), ("rings", "export", "--format", "json")]
)
def test_json_is_json(ringfence: Command, found: Path, rings: list[str], arguments: tuple[str, ...]) -> None:
    given = [rings[0] if argument == "FIRST" else argument for argument in arguments]
    flags = [] if "export" in given else ["--json"]
    told = ringfence(*given, "--run", found, *flags)
    assert (told.code, told.err) == (0, "")
    value = json.loads(told.out)
    listed = value if isinstance(value, list) else value["rings"]
    assert [ring["ring_id"] for ring in listed] == (rings[:1] if "show" in given else rings)


def test_summaries_as_json_are_json_alone(
    ringfence: Command, marketplace: Path, found: Path, tmp_path: Path, rings: list[str]
) -> None:
    made = json.loads(ringfence("generate", tmp_path / "made", "--buyers", "500", "--json").out)
    assert made["rows"]["buyers.csv"] == 500
    done = json.loads(ringfence("detect", "-i", marketplace, "-o", tmp_path / "run", "--json").out)
    assert done["counts"]["rings"] == len(rings)
    assert done["rejected"] is None
    figures = json.loads(
        ringfence("evaluate", "--labels", marketplace / "truth.csv", "--run", found, "--json").out
    )
    assert figures["precision"]["value"] == 1.0


def test_an_evaluation_prints_every_figure_in_plain_lines(
    ringfence: Command, marketplace: Path, found: Path
) -> None:
    told = ringfence("evaluate", "--labels", marketplace / "truth.csv", "--run", found)
    assert (told.code, told.err) == (0, "")
    assert ESCAPE not in told.out
    figures = {line.split("\t")[0] for line in told.out.splitlines()}
    assert {"members: precision", "members: recall", "average precision", "ROC AUC"} <= figures
    assert {"lockstep", "family"} <= figures


@pytest.mark.parametrize("kind", ["csv", "gexf", "graphml", "json"])
def test_an_export_is_the_same_in_a_pipe_and_in_a_file(
    ringfence: Command, found: Path, tmp_path: Path, kind: str
) -> None:
    piped = ringfence("rings", "export", "--run", found, "--format", kind)
    assert (piped.code, piped.err) == (0, "")
    filed = ringfence("rings", "export", "--run", found, "--format", kind, "--out", tmp_path / "rings")
    assert (filed.code, filed.out) == (0, "")
    assert (tmp_path / "rings").read_text(encoding="utf-8") == piped.out


def test_an_exported_graph_holds_the_rings_that_were_asked_for(
    ringfence: Command, found: Path, tmp_path: Path, rings: list[str]
) -> None:
    for kind, read in (("gexf", nx.read_gexf), ("graphml", nx.read_graphml)):
        target = tmp_path / f"rings.{kind}"
        chosen = ("--ring", rings[0], "--ring", rings[2])
        assert ringfence("rings", "export", "--run", found, "-f", kind, "-o", target, *chosen).code == 0
        kinds = nx.get_node_attributes(read(target), "kind")
        assert {node for node in kinds if kinds[node] == "ring"} == {f"ring:{rings[0]}", f"ring:{rings[2]}"}


def test_a_demonstration_can_be_made_again_in_the_same_folder(ringfence: Command, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    told = ringfence("demo", "--out", folder, "--buyers", "1500")
    assert told.code == 0
    assert str(folder / "rings.html") in told.out
    assert "members: precision" in told.out
    page = (folder / "rings.html").read_bytes()
    with closing(StoresByAddress().open(str(folder / "store.sqlite"), create=False)) as store:
        key_for_a_day(store, 1)  # what demo --serve leaves is no work of people
    again = ringfence("demo", "--out", folder, "--buyers", "1500", "--json")
    assert json.loads(again.out)["page"] == str(folder / "rings.html")
    assert (folder / "rings.html").read_bytes() == page
    assert sorted(path.name for path in folder.iterdir()) == [
        "marketplace",
        "rings.html",
        "run",
        "store.sqlite",
    ]


@pytest.mark.parametrize("arguments", [("rings", "list"), ("rings", "export", "--format", "json")])
def test_a_reader_who_has_seen_enough_is_no_error(found: Path, arguments: tuple[str, ...]) -> None:
    process = start(*arguments, "--run", found)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    told = finish(process)
    assert (told.code, told.err) == (0, "")


def test_a_run_without_rings_says_so_everywhere(ringfence: Command, tmp_path: Path) -> None:
    clean, out = tmp_path / "clean", tmp_path / "run"
    assert ringfence("generate", clean, "--buyers", "1500", "--no-rings").code == 0
    told = ringfence("detect", "-i", clean, "-o", out, "--links", "--fail-if-idle")
    assert told.code == 3
    assert told.out.startswith("No ring was found.")
    assert ringfence("detect", "-i", clean, "-o", out, "--links").code == 0
    assert ringfence("rings", "list", "--run", out).out == (
        f"No rings; ringfence leads list --run {out} shows weaker suspicions.\n"
    )
    assert json.loads(ringfence("rings", "list", "--run", out, "--json").out) == []
    for kind in ("csv", "gexf", "graphml", "json"):
        assert ringfence("rings", "export", "--run", out, "--format", kind).code == 0
    judged = ringfence("evaluate", "--labels", clean / "truth.csv", "--run", out)
    assert judged.code == 0


def test_detection_with_rings_is_not_idle(ringfence: Command, marketplace: Path, tmp_path: Path) -> None:
    assert ringfence("detect", "-i", marketplace, "-o", tmp_path / "run", "--fail-if-idle").code == 0
