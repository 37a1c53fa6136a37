import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from processes import Finished
from terminals import on_terminal, plain

from ringfence.cli.detect import print_leads
from ringfence.export import read_run, write_run
from ringfence.market.results import SCHEMAS
from ringfence.store import Store

Command = Callable[..., Finished]
DISMISSED = "dismissed on DAY by ana with 9.5 decades of evidence (reason: one lost van)"


def dayless(printed: str) -> str:
    """What was printed, with every day named DAY."""
    return re.sub(r"\d{4}-\d\d-\d\d", "DAY", printed)


@pytest.fixture
def address(store: Store, publish: Callable[..., int], store_address: str) -> str:
    """A store with a ring and two leads."""
    publish(store, {"r1": (31.2, ["b1", "b2"])}, leads={"l1": ["b3", "b4"], "l2": ["b5"]})
    return store_address


@pytest.fixture
def leads(ringfence: Command, address: str) -> Command:
    """Run `ringfence leads` on the store."""

    def command(*arguments: str) -> Finished:
        return ringfence("leads", *arguments, "--store", address)

    return command


def listed(leads: Command, *arguments: str) -> list[str]:
    return [lead["lead_id"] for lead in json.loads(leads("list", "--json", *arguments).out)]


def test_a_dismissed_lead_is_left_out_until_it_is_restored(leads: Command) -> None:
    assert listed(leads) == ["l1", "l2"]
    told = leads("dismiss", "l1", "--reason", "one lost van", "--as", "ana")
    assert (told.code, told.err) == (0, "")
    assert dayless(told.out) == f"l1: {DISMISSED} (version 1)\n"
    assert listed(leads) == ["l2"]
    assert listed(leads, "--dismissed") == ["l1", "l2"]
    rows = [dayless(line).split("\t") for line in leads("list", "--dismissed").out.splitlines()]
    assert rows[0][-2:] == ["status", "because"]
    assert [row[-2:] for row in rows[1:]] == [["dismissed", DISMISSED], ["open", ""]]
    told = leads("restore", "l1", "--reason", "no van", "--as", "bo", "--json")
    assert json.loads(dayless(told.out)) == {
        "lead_id": "l1",
        "status": "open",
        "because": "restored on DAY by bo (reason: no van)",
        "version": 2,
    }
    assert listed(leads) == ["l1", "l2"]


def test_a_lead_is_shown_with_why_and_why_it_is_no_ring(leads: Command) -> None:
    leads("dismiss", "l1", "--reason", "one lost van", "--as", "ana")
    out = leads("show", "l1").out
    assert "l1 (one occasion)" in out
    assert "together once (evidence is in decades: each one is ten times less likely by chance)" in out
    assert "one van" in out
    assert "b3\t1.0\ttogether once" in out
    assert "1.5 (weak)" in out
    assert f"Decided: {DISMISSED} (version 1)" in dayless(out)
    assert "dismissed by ana: one lost van" in out
    document = json.loads(leads("show", "l1", "--json").out)["leads"][0]
    assert document["why_not"] == "one van"
    assert [buyer["buyer_id"] for buyer in document["buyers"]] == ["b3", "b4"]
    assert (document["status"], document["version"], document["run_id"]) == ("dismissed", 1, 1)


def test_leads_are_listed_by_buyer_and_kind(leads: Command) -> None:
    assert listed(leads, "--buyer", "b5") == ["l2"]
    assert listed(leads, "--kind", "one_occasion", "--limit", "1") == ["l1"]
    assert listed(leads, "--ring", "r1") == []


def test_what_others_decided_meanwhile_is_a_conflict(leads: Command) -> None:
    assert leads("dismiss", "l1", "--reason", "one van", "--seen", "0").code == 0
    for told in (
        leads("restore", "l1", "--reason", "no van", "--seen", "0"),
        leads("dismiss", "l1", "--reason", "again"),
        leads("restore", "l2", "--reason", "why not"),
    ):
        assert told.code == 2
        assert told.err.startswith("error: ")
        assert told.out == ""
    assert leads("show", "l9").code == leads("dismiss", "l9", "--reason", "x").code == 2


def test_leads_are_exported_from_a_store(leads: Command, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(leads("export", "--format", "csv").out)))
    assert [(row["lead_id"], row["buyer_id"]) for row in rows] == [("l1", "b3"), ("l1", "b4"), ("l2", "b5")]
    assert {(row["status"], row["reason"], row["because"]) for row in rows} == {("open", "", "")}
    leads("dismiss", "l1", "--reason", "one lost van", "--as", "ana")
    rows = list(csv.DictReader(io.StringIO(leads("export", "--format", "csv").out)))
    assert [row["status"] for row in rows] == ["dismissed", "dismissed", "open"]
    assert (rows[0]["decided_by"], rows[0]["reason"]) == ("ana", "one lost van")
    assert dayless(rows[0]["because"]) == DISMISSED
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", rows[0]["decided_at"])
    out = tmp_path / "leads.json"
    assert leads("export", "-f", "json", "--lead", "l2", "--out", str(out)).code == 0
    (lead,) = json.loads(out.read_text(encoding="utf-8"))["leads"]
    assert (lead["status"], lead["because"]) == ("open", None)
    assert lead["buyers"][0]["buyer_id"] == "b5"


def test_before_the_first_run_there_is_nothing_to_list(
    ringfence: Command, store: Store, store_address: str
) -> None:
    told = ringfence("leads", "export", "-f", "csv", "--store", store_address)
    assert (told.code, told.out) == (2, "")
    told = ringfence("leads", "list", "--store", store_address)
    assert told.out == f"No run was published yet; ringfence detect --store {store_address} makes one.\n"


def test_where_no_lead_is_listed_it_is_said_why_and_what_is_next(
    ringfence: Command, leads: Command, store: Store, address: str, publish: Callable[..., int]
) -> None:
    nothing = f"No lead fits; ringfence leads list --store {address} shows those that the run has.\n"
    assert leads("list", "--kind", "associates").out == nothing
    assert leads("list", "--buyer", "b1").out == nothing
    leads("dismiss", "l2", "--reason", "one van")
    assert leads("list", "--buyer", "b5").out == (
        "No open lead fits, but 1 that was dismissed does; --dismissed lists it, too.\n"
    )
    assert leads("list", "--kind", "associates").out == nothing
    leads("dismiss", "l1", "--reason", "one van")
    assert leads("list").out == (
        "No open lead fits, but 2 that were dismissed do; --dismissed lists them, too.\n"
    )
    assert leads("list", "--buyer", "b1", "--dismissed").out == nothing
    publish(store, {"r1": (31.2, ["b1", "b2"])}, now=2)
    assert leads("list").out == (
        "No leads: no group came near being a ring without being one; ringfence rings list --store "
        f"{address} shows the rings.\n"
    )
    assert leads("list", "--json").out == "[]\n"


def test_a_dismissed_lead_that_grew_is_listed_and_shown_as_open_again(
    leads: Command, store: Store, address: str, publish: Callable[..., int]
) -> None:
    leads("dismiss", "l1", "--reason", "one lost van", "--as", "ana")
    publish(store, {}, now=2, leads={"l1": ["b3", "b4", "b6", "b7"], "l2": ["b5"]})
    because = f"{DISMISSED}; it has 9.5 now, 4 buyers and 2 joint claims where 2 and 2 were seen"
    rows = [dayless(line).split("\t") for line in leads("list").out.splitlines()]
    assert [(row[0], *row[-2:]) for row in rows[1:]] == [("l1", "open again", because), ("l2", "open", "")]
    assert json.loads(leads("list", "--json").out)[0]["status"] == "open"
    assert f"Decided: {because} (version 1)" in dayless(leads("show", "l1").out)
    assert f"Decided: {DISMISSED} (version 1)" in dayless(leads("show", "l1", "--run-id", "1").out)
    shown = dayless(" ".join(on_terminal(80, "leads", "list", "--store", address).split()))
    assert f"l1 is open again: {because}." in shown


def test_a_list_of_leads_fits_a_terminal_of_80_columns(
    store: Store, store_address: str, publish: Callable[..., int]
) -> None:
    found = {f"l{number:012x}": ["b3", "b4"] for number in range(3)}
    publish(store, {"r1": (31.2, ["b1", "b2"])}, leads=found)
    shown = plain(on_terminal(80, "leads", "list", "--store", store_address, "--dismissed"))
    lines = [line.rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= 80
    table = lines[2:]
    assert table[0].split() == ["lead", "kind", "evidence", "buyers", "claims", "amount", "status"]
    assert [line.split() for line in table[1:]] == [
        [lead_id, "one_occasion", f"{9.5 - place:.1f}", "2", "2", "EUR:3.00", "open"]
        for place, lead_id in enumerate(found)
    ]


def test_leads_of_a_folder_are_listed_shown_and_exported(
    ringfence: Command, found: Path, tmp_path: Path
) -> None:
    run = read_run(found)
    buyer = str(run.members["buyer_id"][0])
    at = run.evidence["filed_at"][0]
    told = (4.0, 1, 1, 1, 1, "EUR:1.00", at, at, 0.2, "seen once", "once is too little")
    frames = {
        "leads": pl.DataFrame(
            [("l1", "associates", run.rings["ring_id"][0], *told)], schema=SCHEMAS["leads"], orient="row"
        ),
        "lead_members": pl.DataFrame(
            [("l1", buyer, 4.0, "seen once")], schema=SCHEMAS["lead_members"], orient="row"
        ),
        "lead_evidence": pl.DataFrame(schema=SCHEMAS["lead_evidence"]),
        **{table: getattr(run, table) for table in ("rings", "members", "buyers", "evidence", "links")},
    }
    folder = tmp_path / "run"
    write_run(folder, frames, run.run, run.timings)
    lines = ringfence("leads", "list", "--run", folder).out.splitlines()
    assert lines[1].split("\t")[:4] == ["l1", "associates", str(run.rings["ring_id"][0]), "4.0"]
    assert ringfence("leads", "list", "--run", folder, "--buyer", "nobody").out == (
        f"No lead fits; ringfence leads list --run {folder} shows those that the run has.\n"
    )
    assert "once is too little" in ringfence("leads", "show", "l1", "--run", folder).out
    assert "seen once" in ringfence("leads", "export", "--run", folder, "-f", "csv").out
    assert ringfence("leads", "show", "l2", "--run", folder).code == 2


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, ""),
        (1, "1 lead, a suspicion too weak to be a ring: ringfence leads list\n"),
        (1_200, "1,200 leads, suspicions too weak to be rings: ringfence leads list\n"),
    ],
)
def test_a_detection_says_how_many_leads_there_are_and_where(
    count: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_leads(count, "ringfence leads list")
    assert capsys.readouterr().out == said


def test_a_run_with_more_leads_than_the_policy_allows_keeps_the_strongest_in_files_and_store(
    ringfence: Command, tmp_path: Path
) -> None:
    made, policy = tmp_path / "made", tmp_path / "policy.toml"
    extras = ("--with", "deal_club_40", "--with", "joint_parcels", "--stealth", "0.4")
    assert ringfence("generate", made, "--buyers", "1500", "--seed", "6", *extras, "--quiet").code == 0
    market = made / "claims.csv"
    detect = ("detect", "--no-p-values", "--quiet", "--input", market, "--out")
    assert ringfence(*detect, tmp_path / "whole").code == 0
    every = read_run(tmp_path / "whole").leads
    assert every.height > 2
    policy.write_text('version = "few leads"\n[detection]\nleads_per_run = 2\n', encoding="utf-8")
    said = (
        f"{every.height} leads were found; the strongest 2 are kept (detection.leads_per_run in the policy)."
    )
    told = ringfence(*detect, tmp_path / "few", "--policy", policy)
    assert said in told.out
    few, store = read_run(tmp_path / "few"), tmp_path / "store.sqlite"
    assert few.leads.equals(every.head(2))
    assert set(few.lead_members["lead_id"]) == set(few.leads["lead_id"])
    assert ringfence("load", market, "--store", store, "--quiet").code == 0
    in_store = ("detect", "--no-p-values", "--quiet", "--store", store, "--policy", policy)
    told = ringfence(*in_store, "--publish-anyway", "a marketplace of a test")
    assert told.code == 0, told.err
    assert said in told.out
    listed = json.loads(ringfence("leads", "list", "--store", store, "--json").out)
    assert [lead["lead_id"] for lead in listed] == few.leads["lead_id"].to_list()
    assert [lead["why"] for lead in listed] == few.leads["why"].to_list()
