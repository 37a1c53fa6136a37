"""What signals say of buyers follows from the run's tables and the files; nobody is accused for nothing."""

import re
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from ringfence.app import StoresByAddress
from ringfence.detection.parameters import Parameters
from ringfence.domain.leases import LeaseName
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Silent
from ringfence.domain.risk import RiskBand
from ringfence.domain.scope import Principal, Role
from ringfence.generator import GeneratorOptions, Marketplace, generate_marketplace
from ringfence.intake import PseudonymKey
from ringfence.market.results import telling
from ringfence.risk.signals import NAMES
from ringfence.services.buyer_risk import MOST_BUYERS, buyers_risk
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.hold_lease import this_process
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.make_marketplace import make_marketplace

KEY = PseudonymKey(bytes(range(32)))
NOW = int(datetime(2025, 1, 2, tzinfo=UTC).timestamp() * 1_000_000)
SIZE = GeneratorOptions(buyers=700, seed=5, stealth=0.3)
POLICY = Policy()
INVESTIGATOR = Principal("ivy", Role.INVESTIGATOR)
FORMS = {
    "ring": r"Member of ring (?P<ring_id>\S+), (?P<ring_size>\d+) buyers, (?P<ring_score>\d+\.\d) decades of "
    r"evidence\.",
    "links": r"Linked to buyer (?P<linked_to>\S+) by (?P<link_score>-?\d+\.\d) decades of evidence\.",
    "lead": r"In lead (?P<lead_id>\S+), (?P<lead_score>\d+\.\d) decades of evidence, too weak for a ring\.",
    "refund_only_frequency": r"Recent claims for a refund without return: "
    r"(?P<recent_refund_only>\d+)\.",
    "refund_only_share": r"Claims for a refund without return: (?P<refund_only>\d+); orders: "
    r"(?P<orders>\d+)\.",
    "reports": r"Independent merchants who reported the buyer: (?P<report_merchants>\d+)\.",
    "verifications": r"Verifications that found abuse: (?P<confirmed>\d+); that found none: "
    r"(?P<rejected>\d+)\.",
    "shared_with_confirmed": r"Shares values with confirmed abusers: (?P<shared_values>\d+)\.",
    "new_account": r"Age of the account in days: (?P<account_days>\d+)\.",
    "loss": r"Refunds without return, open claims included, cost more than those of "
    r"(?P<lost>\d+\.\d)% of all buyers\.",
    "honest_history": r"Orders: (?P<orders>\d+); claims for a refund without return: (?P<refund_only>\d+)\.",
}
"""One expression a signal."""


def clock() -> int:
    return NOW


@dataclass(frozen=True, eq=False)
class Told:
    """A run of a store, the files behind it, and what is said of every buyer."""

    tables: dict[str, pl.DataFrame]
    market: Marketplace
    bands: dict[str, RiskBand]
    readings: dict[str, dict[str, str]]
    """Reason by signal, by buyer."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("risk")
    make_marketplace(SIZE, folder / "files", progress=Silent())
    market = generate_marketplace(SIZE)
    with closing(StoresByAddress().open(str(folder / "store.sqlite"), create=True)) as store:
        lease = store.leases.acquire(LeaseName.LOAD, this_process(), 60.0, NOW)
        load_market(LoadRequest([folder / "files"]), KEY, store, lease, NOW)
        store.leases.release(lease)
        request = StoreDetectionRequest(parameters=Parameters().without_p_values())
        detect_in_store(replace(request, policy=POLICY), store, clock)
        tables = dict(store.rings.tables(None))
        bands, readings = {}, {}
        everyone = tables["buyers"]["buyer_id"].to_list()
        for start in range(0, len(everyone), MOST_BUYERS):
            asked = everyone[start : start + MOST_BUYERS]
            for buyer, risk in buyers_risk(store, INVESTIGATOR, asked, POLICY, NOW).items():
                bands[buyer] = risk.band
                readings[buyer] = {reading.signal: reading.reason for reading in risk.readings}
    return Told(tables, market, bands, readings)


def test_every_signal_has_a_form() -> None:
    assert FORMS.keys() == set(NAMES)


def test_every_number_of_every_signal_follows_from_tables_and_files(told: Told) -> None:
    facts = worked_out(told)
    seen = set()
    for buyer, readings in told.readings.items():
        for signal, reason in readings.items():
            match = re.fullmatch(FORMS[signal], reason)
            assert match is not None, reason
            seen.add(signal)
            for name, said in match.groupdict().items():
                value = facts[buyer][name]
                if "." in said:
                    share = value * 100 if name == "lost" else value
                    assert abs(float(said) - share) <= 0.05 + 1e-9, (buyer, reason, value)
                else:
                    assert said == str(value), (buyer, reason, value)
    assert {"ring", "links", "refund_only_frequency", "honest_history", "loss"} <= seen


def test_nobody_is_a_member_without_a_joint_claim_that_chance_does_not_explain(told: Told) -> None:
    telling_of = set(telling(told.tables["evidence"])["buyer_id"])
    accused = {buyer for buyer, readings in told.readings.items() if "ring" in readings}
    assert accused == set(told.tables["members"]["buyer_id"])
    assert accused <= telling_of
    assert accused & {buyer for buyer, band in told.bands.items() if band is RiskBand.HIGH}


def worked_out(told: Told) -> dict[str, dict[str, Any]]:
    """Give, for every buyer, what signals speak of."""
    tables, claims = told.tables, told.market.claims
    facts: dict[str, dict[str, Any]] = {buyer: {} for buyer in tables["buyers"]["buyer_id"]}
    rings = {row["ring_id"]: row for row in tables["rings"].to_dicts()}
    for member in tables["members"].to_dicts():
        ring = rings[member["ring_id"]]
        facts[member["buyer_id"]] |= {
            "ring_id": ring["ring_id"],
            "ring_size": len(tables["members"].filter(pl.col("ring_id") == ring["ring_id"])),
            "ring_score": ring["score"],
        }
    leads = {row["lead_id"]: row for row in tables["leads"].to_dicts()}
    for member in tables["lead_members"].to_dicts():
        lead, known = leads[member["lead_id"]], facts[member["buyer_id"]]
        if lead["score"] > known.get("lead_score", 0.0):
            known |= {"lead_id": lead["lead_id"], "lead_score": lead["score"]}
    for link in tables["links"].to_dicts():
        for one, other in ((link["buyer_a"], link["buyer_b"]), (link["buyer_b"], link["buyer_a"])):
            strength = (link["score"], [-ord(letter) for letter in other])
            if "link" not in facts[one] or strength > facts[one]["link"]:
                facts[one] |= {"link": strength, "link_score": link["score"], "linked_to": other}
    last = claims["filed_at"].max()
    assert isinstance(last, datetime)
    refunds = claims.filter(pl.col("kind").fill_null("refund_only") == "refund_only")
    recent = refunds.filter(pl.col("filed_at") > last - timedelta(days=POLICY.risk.recent_days))
    for buyer, known in facts.items():
        own = pl.col("buyer_id") == buyer
        known["refund_only"] = len(refunds.filter(own))
        known["recent_refund_only"] = len(recent.filter(own))
        known["orders"] = len(told.market.orders.filter(own))
        for registered in told.market.buyers.filter(own)["registered_at"]:
            known["account_days"] = max((last - registered).days, 0) if registered is not None else None
    # What depends on many files at once is compared with the run's own table.
    for row in tables["risks"].to_dicts():
        for name in ("report_merchants", "confirmed", "rejected", "shared_values", "lost"):
            facts[row["buyer_id"]][name] = row[name]
    return facts


def test_the_risks_of_a_run_say_of_rings_what_the_rings_say(told: Told) -> None:
    rings = told.tables["rings"].select("ring_id", "score", "size", "claims")
    joined = told.tables["risks"].drop_nulls("ring_id").join(rings, on="ring_id")
    assert len(joined) == len(told.tables["members"])
    assert (joined["ring_score"] == joined["score"]).all()
    assert (joined["ring_size"] == joined["size"]).all()
    assert (joined["ring_claims"] == joined["claims_right"]).all()
