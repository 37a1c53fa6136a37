import json
from collections.abc import Callable

import pytest
from processes import Finished
from recovery_market import POLICY, fill

from ringfence.cli.clock import clock
from ringfence.store import Store

Command = Callable[..., Finished]


@pytest.fixture
def risk(ringfence: Command, store: Store, store_address: str) -> Command:
    """Run `ringfence risk` on a store with a small market and no run."""
    fill(store, now=clock())
    return lambda *arguments: ringfence("risk", *arguments, "--store", store_address)


def test_a_buyers_risk_is_told_with_its_band_and_reasons(
    risk: Command, ringfence: Command, store_address: str
) -> None:
    told = risk("ann")
    assert told.code == 0
    first, second, third = told.out.splitlines()
    assert first == "ann: LOW; 1.0% likely to abuse refunds"
    assert second.endswith(f" before any run, by policy {POLICY.name}")
    assert third == "No signal says anything of this buyer."
    anyway = ("--publish-anyway", "a small market by hand")
    assert ringfence("detect", "--store", store_address, *anyway, "--quiet").code == 0
    told = risk("ann")
    lines = [line.split("\t") for line in told.out.splitlines()]
    assert lines[1][0].endswith(f" with run 1, by policy {POLICY.name}")
    assert lines[3] == ["signal", "decades", "because", "what would lower it"]
    assert lines[4][:3] == ["reports", "+1.50", "Independent merchants who reported the buyer: 3."]


def test_the_same_as_json_and_in_chinese(risk: Command, ringfence: Command, store_address: str) -> None:
    anyway = ("--publish-anyway", "a small market by hand")
    assert ringfence("detect", "--store", store_address, *anyway, "--quiet").code == 0
    told = json.loads(risk("ann", "--language", "zh", "--json").out)
    assert (told["buyer_id"], told["band"], told["run_id"], told["verification_id"]) == (
        "ann",
        "medium",
        1,
        None,
    )
    reasons = {reading["signal"]: reading["reason"] for reading in told["readings"]}
    assert reasons["reports"] == "被 3 家相互独立的商家举报。"


def test_what_cannot_be_told_is_said_in_one_line(risk: Command) -> None:
    assert (risk("nobody").code, risk("nobody").err) == (
        2,
        "error: There is no buyer nobody.\n",
    )
    late = risk("ann", "--as-of", "2999-01-01")
    assert (late.code, "is in the future" in late.err) == (2, True)
    early = risk("ann", "--as-of", "1999-01-01")
    assert (early.code, "No run had been published by then" in early.err) == (2, True)
    assert risk("ann", "--language", "fr").code == 2
