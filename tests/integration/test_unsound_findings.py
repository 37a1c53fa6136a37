"""Findings that contradict themselves are found out, and neither published nor written."""

import secrets
from collections.abc import Callable
from functools import cache

import polars as pl
import pytest
from detection_scenes import lives, names, scene, strike

import ringfence
from ringfence.cli.exit_codes import FAILED, exit_code
from ringfence.detection.invariants import UnsoundFindingsError, require_sound, violations
from ringfence.detection.parameters import Parameters
from ringfence.domain.progress import Progress
from ringfence.intake import Intake, IntakeOptions, PseudonymKey, market_from_frames
from ringfence.market import Market
from ringfence.services.detect_rings import detect_in, tables
from ringfence.services.publication_guard import object_to_contradictions

Tables = dict[str, pl.DataFrame]
DEFAULTS = Parameters().without_p_values()
RING, PAIR, ONCE = names("r", 5), names("p", 3), names("o", 6)


@cache
def claims() -> pl.DataFrame:
    rows = strike(RING, [20, 45, 70, 95, 120])
    rows += strike(PAIR, [21, 46, 71, 96, 121], first_day=200.0, seed=9, shared={"payment": "one card"})
    rows += strike(ONCE, [30, 31, 32], first_day=150.0, every=0.01, shared={"address": "9 Low Street 60311"})
    return scene(rows + lives([*RING, *PAIR, *ONCE], 3, seed=10))


def intake() -> Intake:
    key = PseudonymKey(secrets.token_bytes(32))
    return market_from_frames(claims(), None, None, key=key, options=IntakeOptions())


@cache
def sound() -> tuple[Tables, Market]:
    return tables(ringfence.detect(claims(), parameters=DEFAULTS), links=True, lineage=True), intake().market


def test_what_detection_finds_is_sound() -> None:
    found, market = sound()
    assert len(found["rings"]) == 2
    assert found["leads"]["kind"].to_list() == ["one_occasion"]
    assert violations(found, market, DEFAULTS) == ()
    require_sound(found, market, DEFAULTS)


def first(column: str) -> pl.Expr:
    """Say which rows have the first value of a column."""
    return pl.col(column) == pl.col(column).first()


def but(expression: pl.Expr, value: object) -> pl.Expr:
    """Give the first row `value`."""
    return pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value)).otherwise(expression)


CHANGES: list[tuple[str, Callable[[pl.DataFrame], pl.DataFrame], str]] = [
    ("rings", lambda t: t.with_columns(score=but(pl.col("score"), 1.5)), "less than the 2 decades"),
    ("rings", lambda t: t.with_columns(score=but(pl.col("score"), float("nan"))), "score or p-value"),
    ("rings", lambda t: t.with_columns(p_value=but(pl.col("p_value"), 1.5)), "score or p-value"),
    ("rings", lambda t: t.with_columns(p_value=but(pl.col("p_value"), 0.2)), "above the 0.05"),
    ("rings", lambda t: t.with_columns(claims=but(pl.col("claims"), 3)), "rings' claims is not"),
    ("rings", lambda t: t.with_columns(size=but(pl.col("size"), 3)), "rings' size is not"),
    ("rings", lambda t: t.with_columns(merchants=but(pl.col("merchants"), 9)), "rings' merchants is not"),
    ("rings", lambda t: t.with_columns(amount=but(pl.col("amount"), "EUR:1.00")), "rings' amount is not"),
    ("rings", lambda t: t.with_columns(amount=pl.col("amount") + ";USD:1.00"), "rings' amount is not"),
    ("rings", lambda t: t.with_columns(first_claim_at=pl.col("last_claim_at")), "first_claim_at is not"),
    ("rings", lambda t: t.with_columns(last_claim_at=pl.col("first_claim_at")), "last_claim_at is not"),
    ("rings", lambda t: t.with_columns(occasions=but(pl.col("occasions"), 1)), "rest on one occasion"),
    ("rings", lambda t: t.with_columns(merchants=but(pl.col("merchants"), 1)), "rest on one merchant"),
    ("rings", lambda t: t.head(1), "have members and no row"),
    ("rings", lambda t: pl.concat([t, t]), "named twice"),
    ("members", lambda t: t.with_columns(score=but(pl.col("score"), float("inf"))), "score that is none"),
    ("members", lambda t: t.with_columns(score=but(pl.col("score"), -1.0)), "score that is none"),
    ("members", lambda t: t.with_columns(buyer_id=pl.col("buyer_id").first()), "are in two rings"),
    ("members", lambda t: t.with_columns(buyer_id=but(pl.col("buyer_id"), "b0001")), "no joint event"),
    ("members", lambda t: t.with_columns(buyer_id=but(pl.col("buyer_id"), "nobody")), "not in the market"),
    ("evidence", lambda t: t.filter(~first("buyer_id")), "no joint event that chance does not explain"),
    ("evidence", lambda t: t.with_columns(weak=first("buyer_id") | pl.col("weak")), "with one verdict"),
    ("evidence", lambda t: t.with_columns(weak=pl.lit(True)), "no joint event that chance does not explain"),
    ("evidence", lambda t: t.with_columns(event=pl.int_range(1, pl.len() + 1)), "lie in pieces"),
    ("evidence", lambda t: t.with_columns(event=100 - pl.col("event")), "in the order of time"),
    ("evidence", lambda t: t.with_columns(buyer_id=but(pl.col("buyer_id"), "b0001")), "not in them"),
    ("evidence", lambda t: t.with_columns(expected=but(pl.col("expected"), None)), "with one verdict"),
    ("evidence", lambda t: pl.concat([t, t.with_columns(pl.col("event") + 50)]), "in two events of one ring"),
    ("evidence", lambda t: t.with_columns(claim_id=but(pl.col("claim_id"), "c00001")), "not filed as said"),
    ("evidence", lambda t: t.with_columns(amount=pl.lit("USD:19.99")), "not filed as said"),
    (
        "evidence",
        lambda t: t.with_columns(filed_at=pl.col("filed_at").dt.offset_by("1s")),
        "not filed as said",
    ),
    ("evidence", lambda t: t.with_columns(merchant_id=pl.lit("m001")), "not filed as said"),
    ("buyers", lambda t: t.with_columns(score=but(pl.col("score"), 1.01)), "outside 0 to 1"),
    ("buyers", lambda t: pl.concat([t, t.head(1)]), "listed twice"),
    ("links", lambda t: t.rename({"buyer_a": "buyer_b", "buyer_b": "buyer_a"}), "not of two buyers"),
    ("links", lambda t: pl.concat([t, t.head(1)]), "links are listed twice"),
    ("leads", lambda t: t.with_columns(ring_id=pl.lit("r0")), "near a ring that is not there"),
    ("leads", lambda t: t.with_columns(claims=pl.lit(1, pl.Int64)), "leads' claims is not"),
    (
        "lead_members",
        lambda t: t.with_columns(buyer_id=pl.lit(RING[0])),
        "half their buyers or more in rings",
    ),
    ("lead_evidence", lambda t: t.with_columns(amount=pl.lit("EUR:20.00")), "not filed as said"),
]


@pytest.mark.parametrize(
    ("table", "change", "said"), CHANGES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_broken_rule_is_named(
    table: str, change: Callable[[pl.DataFrame], pl.DataFrame], said: str
) -> None:
    found, market = sound()
    changed = change(found[table]).select(found[table].columns)
    broken = violations({**found, table: changed}, market, DEFAULTS)
    assert any(said in sentence for sentence in broken), broken
    assert all(sentence.endswith(".") for sentence in broken)
    guarded = object_to_contradictions({**found, table: changed}, market, DEFAULTS)
    assert [said for said in guarded if not said.startswith("What was found contradicts itself: ")] == []
    with pytest.raises(UnsoundFindingsError, match="report this") as caught:
        require_sound({**found, table: changed}, market, DEFAULTS)
    assert caught.value.violations == broken
    assert exit_code(caught.value) == FAILED


def test_a_risk_that_says_more_than_its_ring_is_found_out() -> None:
    found, market = sound()
    rings = found["rings"].select("ring_id", ring_score="score", ring_size="size", ring_claims="claims")
    risks = found["members"].select("buyer_id", "ring_id").join(rings, on="ring_id")
    assert violations({**found, "risks": risks}, market, DEFAULTS) == ()
    for changed in (
        risks.with_columns(ring_score=but(pl.col("ring_score"), 99.0)),
        risks.with_columns(ring_claims=but(pl.col("ring_claims"), 99)),
        risks.with_columns(buyer_id=but(pl.col("buyer_id"), "b0001")),
        risks.tail(3),
    ):
        assert violations({**found, "risks": changed}, market, DEFAULTS) != ()


class Damaging(Progress):
    """Damages the market while it is worked on, once what was found is about to be checked."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def stage(self, name: str, total: int | None = None) -> None:
        if name == "checking what was found":
            self._market.claims.amount.setflags(write=True)
            self._market.claims.amount[:] += 1

    def advance(self, steps: int) -> None:
        pass

    def done(self) -> None:
        pass


def test_files_and_notebooks_get_nothing_that_contradicts_itself() -> None:
    damaged = intake()
    with pytest.raises(UnsoundFindingsError, match="not filed as said"):
        detect_in(damaged, DEFAULTS, links=False, previous=None, progress=Damaging(damaged.market))
