"""The README's queries, on a copied marketplace, against what the ports of the original give."""

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import neo4j
import pytest

from neo4j_database import DATABASE, Emptying, Login
from ringfence.app import StoresByAddress
from ringfence.cli.main import run
from ringfence.domain.scope import PLATFORM
from ringfence.market.tables import MarketTables
from ringfence.settings import Settings
from ringfence.store import Store

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
QUERIES: dict[str, str] = {
    title: text
    for title, text in re.findall(r"^([^\n]+):\n\n```cypher\n(.+?)```", README, re.MULTILINE | re.DOTALL)
}
PARAMETERS = ("buyer", "other_buyer", "ring", "other_ring", "since", "until")
_COSTLY = ("AllNodesScan", "CartesianProduct", "NodeByLabelScan", "RelationshipsScan", "RelationshipTypeScan")


def query(begin: str) -> str:
    """Find a query by the first words of what stands above it."""
    (title,) = [title for title in QUERIES if title.startswith(begin)]
    return QUERIES[title]


class Known:
    """What the original store tells, put together by brute force."""

    def __init__(self, store: Store) -> None:
        tables: MarketTables = store.market.tables_of(1)
        self.tables = tables
        buyers, merchants = tables.buyer_ids.to_list(), tables.merchant_ids.to_list()
        self.holders: dict[tuple[str, int], set[str]] = defaultdict(set)
        for kind, buyer, value in tables.uses.select("kind", "buyer", "value").iter_rows():
            self.holders[kind, value].add(buyers[buyer])
        self.values: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for value, users in self.holders.items():
            for buyer in users:
                self.values[buyer].add(value)
        self.claims = [
            (buyers[buyer], merchants[merchant], filed_at)
            for buyer, merchant, filed_at in tables.claims.select("buyer", "merchant", "filed_at").iter_rows()
        ]
        run_tables = store.rings.tables()
        self.members: dict[str, list[str]] = defaultdict(list)
        for ring_id, buyer in run_tables["members"].select("ring_id", "buyer_id").iter_rows():
            self.members[ring_id].append(buyer)
        self.targets: dict[str, set[str]] = defaultdict(set)
        for ring_id, merchant in run_tables["evidence"].select("ring_id", "merchant_id").iter_rows():
            self.targets[ring_id].add(merchant)
        self.links: dict[str, set[str]] = defaultdict(set)
        for a, b in run_tables["links"].select("buyer_a", "buyer_b").iter_rows():
            self.links[a].add(b)
            self.links[b].add(a)
        self.reports = {
            buyer: store.reports.of_buyer(buyer, PLATFORM)
            for members in self.members.values()
            for buyer in members
        }

    def steps(self, begin: str, end: str) -> int | None:
        """Give the length of the shortest path: a link counts 1, a shared value 2."""
        reached: dict[str | tuple[str, int], int] = {begin: 0}
        waiting: deque[str | tuple[str, int]] = deque([begin])
        while waiting:
            here = waiting.popleft()
            if here == end:
                return reached[here]
            near = self.links[here] | self.values[here] if isinstance(here, str) else self.holders[here]
            for there in near:
                if there not in reached:
                    reached[there] = reached[here] + 1
                    waiting.append(there)
        return None


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    """A store with a marketplace and its rings, and its address."""
    folder = tmp_path_factory.mktemp("marketplace")
    settings, stores = Settings(key_file=folder / "key"), StoresByAddress()
    address = str(folder / "store.sqlite")
    for command in (
        ["generate", str(folder / "files"), "--buyers", "800", "--quiet"],
        ["load", str(folder / "files"), "--store", address, "--quiet"],
        ["detect", "--store", address, "--quiet"],
    ):
        assert run(command, settings, stores) == 0
    store = stores.open(address, create=False)
    try:
        yield address, store
    finally:
        store.close()


@pytest.fixture(scope="module")
def known(source: tuple[str, Store]) -> Known:
    return Known(source[1])


@pytest.fixture(scope="module")
def browser(source: tuple[str, Store], neo4j_server: Login, _emptying: Emptying) -> Iterator[neo4j.Driver]:
    """A driver on a copy for people to browse."""
    _emptying.empty()
    stores = StoresByAddress(*neo4j_server.credentials)
    command = ["store", "copy", source[0], neo4j_server.address, "--without-personal-data", "--quiet"]
    assert run(command, Settings(), StoresByAddress(), stores) == 0
    with neo4j_server.driver(notifications_min_severity="OFF") as driver:
        yield driver


def ask(browser: neo4j.Driver, text: str, **parameters: Any) -> list[list[Any]]:
    records, _, _ = browser.execute_query(text, parameters, database_=DATABASE)
    return [list(record.values()) for record in records]


def pairs(known: Known) -> list[tuple[str, str]]:
    return list(combinations(sorted(known.members), 2))


def test_all_queries_are_tested_and_none_of_them_scans_the_graph(browser: neo4j.Driver) -> None:
    begins = ("The ring of", "How two", "The rarest", "Merchants that", "What two", "Merchants' reports")
    assert sorted(map(query, begins)) == sorted(QUERIES.values())
    for title, text in QUERIES.items():
        asked = dict.fromkeys(PARAMETERS, "2026-01-01")
        _, summary, _ = browser.execute_query(f"EXPLAIN {text}", asked, database_=DATABASE)
        assert not [word for word in _COSTLY if word in str(summary.plan)], title


def test_the_ring_of_a_buyer_is_shown_with_its_members(browser: neo4j.Driver, known: Known) -> None:
    assert len(known.members) > 3
    for ring_id, members in known.members.items():
        found = ask(browser, query("The ring of"), buyer=members[0])
        shown = {(ring["ring_id"], buyer["buyer_id"]) for ring, _, buyer in found}
        assert {(ring_id, buyer) for buyer in members} <= shown
        assert {buyer for ring, buyer in shown if ring == ring_id} == set(members)


def test_two_buyers_are_connected_by_the_shortest_way(browser: neo4j.Driver, known: Known) -> None:
    first, *_, last = known.members.values()
    strangers = known.tables.buyer_ids.to_list()[:5]
    asked = [(first[0], other) for other in (*first[1:], last[0], *strangers) if other != first[0]]
    lengths = set()
    for buyer, other in asked:
        paths = ask(browser, query("How two"), buyer=buyer, other_buyer=other)
        steps = known.steps(buyer, other)
        lengths.add(steps)
        assert [len(path.relationships) for (path,) in paths] == ([steps] if steps and steps <= 6 else [])
    assert 1 in lengths


def test_shared_values_come_rarest_first(browser: neo4j.Driver, known: Known) -> None:
    shared = 0
    for ring_id, members in known.members.items():
        expected = sorted(
            (len(holders), kind.capitalize(), sorted(holders & set(members)))
            for (kind, _), holders in known.holders.items()
            if len(holders & set(members)) > 1
        )
        found = ask(browser, query("The rarest"), ring=ring_id)
        assert [holders for *_, holders in found] == sorted(holders for *_, holders in found)
        assert sorted((holders, kind, sorted(each)) for kind, _, each, holders in found) == expected
        shared += len(expected)
    assert shared


def test_merchants_hit_in_a_window_are_counted(browser: neo4j.Driver, known: Known) -> None:
    for ring_id, members in known.members.items():
        times = sorted(at for buyer, _, at in known.claims if buyer in members)
        since, until = times[len(times) // 4], times[-1]
        told = [datetime.fromtimestamp(at // 10**6, UTC).isoformat() for at in (since, until)]
        counted: dict[str, list[str]] = defaultdict(list)
        for buyer, merchant, at in known.claims:
            if buyer in members and since // 10**6 * 10**6 <= at < until // 10**6 * 10**6:
                counted[merchant].append(buyer)
        expected = sorted((-len(buyers), merchant, len(set(buyers))) for merchant, buyers in counted.items())
        found = ask(browser, query("Merchants that"), ring=ring_id, since=told[0], until=told[1])
        assert [(-claims, merchant, buyers) for merchant, claims, buyers in found] == expected
        assert found


def test_what_two_rings_have_in_common_is_listed(browser: neo4j.Driver, known: Known) -> None:
    common = 0
    for ring, other in pairs(known)[:60]:
        one, two = set(known.members[ring]), set(known.members[other])
        found = ask(browser, query("What two"), ring=ring, other_ring=other)
        merchants = sorted(known.targets[ring] & known.targets[other])
        assert [id for what, id in found if what == "Merchant"] == merchants
        assert [id for what, id in found if what == "Buyer"] == sorted(one & two)
        values = [
            kind.capitalize() for (kind, _), users in known.holders.items() if users & one and users & two
        ]
        assert sorted(what for what, _ in found if what not in ("Buyer", "Merchant")) == sorted(values)
        common += len(found)
    assert common


def test_reports_against_a_ring_are_listed_latest_first(browser: neo4j.Driver, known: Known) -> None:
    listed = 0
    for ring_id, members in known.members.items():
        reports = [report for buyer in members for report in known.reports[buyer]]
        reports.sort(key=lambda report: (-report.reported_at, report.report_id))
        found = ask(browser, query("Merchants' reports"), ring=ring_id)
        assert found == [
            [each.report_id, each.merchant_id, each.buyer_id, each.evidence_count, each.claim_id]
            for each in reports
        ]
        listed += len(found)
    assert listed
