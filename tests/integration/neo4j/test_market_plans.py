"""Statements of the market begin at what they are given, whatever the server believes is in the database."""

from contextlib import closing
from pathlib import Path

import neo4j
import pytest

from neo4j_database import DATABASE, Login
from ringfence.app import StoresByAddress
from ringfence.domain.leases import Holder, LeaseName
from ringfence.generator import GeneratorOptions
from ringfence.intake import PseudonymKey
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.make_marketplace import make_marketplace
from ringfence.store.neo4j.statements import statements

BY_RANGE = {
    *("list_loads", "clear_buyers", "clear_merchants", "clear_identifiers"),
    *("list_all_reports", "count_all_reports", "list_filed_reports", "read_filed_reports"),
}
"""Those that are meant to read all there is from some number or time on."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market") / "files"
    make_marketplace(GeneratorOptions(buyers=600, seed=5), folder)
    return folder


def operators(plan: dict[str, object]) -> list[str]:
    children = plan.get("children") or []
    assert isinstance(children, list)
    own = str(plan["operatorType"]).partition("@")[0]
    return [own, *(operator for child in children for operator in operators(child))]


def strays(driver: neo4j.Driver) -> dict[str, list[str]]:
    """Name the statements that would read more than they are asked for, planned as of now."""
    found = {}
    for name, statement in statements().items():
        if statement.subject not in ("market", "reports", "loads"):
            continue
        _, summary, _ = driver.execute_query(
            f"CYPHER replan=force EXPLAIN {statement.text}", database_=DATABASE
        )
        assert summary.plan is not None
        wrong = [
            operator
            for operator in operators(summary.plan)
            if (operator.endswith("Scan") and operator not in statement.allows)
            or (operator.endswith("SeekByRange") and name not in BY_RANGE)
        ]
        if wrong:
            found[name] = wrong
    return found


def test_no_statement_strays_in_an_empty_store_nor_in_one_that_has_just_been_filled(
    files: Path, neo4j_server: Login, neo4j_address: str
) -> None:
    with (
        closing(StoresByAddress(*neo4j_server.credentials).open(neo4j_address, create=True)) as store,
        neo4j_server.driver(notifications_min_severity="OFF") as driver,
    ):
        assert strays(driver) == {}
        lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "now"), 600.0, 0)
        load_market(LoadRequest([files]), PseudonymKey(b"k" * 32), store, lease, 7)
        assert strays(driver) == {}, "the server's figures about its indexes lag behind"
        driver.execute_query("CALL db.prepareForReplanning(60)", database_=DATABASE)
        assert strays(driver) == {}
