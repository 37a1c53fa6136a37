"""Each number of each sentence of a run is worked out again from the rows that are published with it."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from detection_scenes import BEGIN, Row, claim, claims_of, lives, names, order, orders_of, scene, strike
from occasions_by_hand import Occasions
from sentences import FORMS, Holders, Published, read

import ringfence
from ringfence.detection.candidates import Candidate, Proposals
from ringfence.detection.findings import gather
from ringfence.detection.invariants import violations
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import prepare
from ringfence.detection.report import Detection, report
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Silent
from ringfence.domain.rings import DetectionMethod
from ringfence.export import read_run
from ringfence.generator import GeneratorOptions, generate_marketplace
from ringfence.intake import IntakeOptions, PseudonymKey, market_from_frames
from ringfence.market import Longs, Market
from ringfence.market.results import LEADS
from ringfence.services.detect_rings import tables

QUICK = Parameters().without_p_values()
"""Without p-values."""
MARKETPLACES = [
    pytest.param(seed, buyers, stealth, with_orders, id=f"seed {seed}")
    for seed, (buyers, stealth, with_orders) in enumerate(
        [(500, 0.0, True), (700, 0.3, True), (900, 0.5, True), (600, 0.2, False)], start=31
    )
]


def market_of(claims: pl.DataFrame, orders: pl.DataFrame | None) -> Market:
    key = PseudonymKey(secrets.token_bytes(32))
    return market_from_frames(claims, orders, None, key=key, options=IntakeOptions()).market


def published(
    claims: pl.DataFrame, orders: pl.DataFrame | None, found: dict[str, pl.DataFrame], **grain: timedelta
) -> Published:
    occasions = Occasions(claims, orders, **grain)
    return Published(found, claims, occasions, Holders.of(market_of(claims, orders)), **grain)


@pytest.mark.parametrize(("seed", "buyers", "stealth", "with_orders"), MARKETPLACES)
def test_every_number_of_every_sentence_follows_from_the_rows(
    seed: int, buyers: int, stealth: float, with_orders: bool
) -> None:
    market = generate_marketplace(GeneratorOptions(buyers=buyers, seed=seed, stealth=stealth))
    orders = market.orders if with_orders else None
    parameters = Parameters() if seed % 2 else QUICK
    result = ringfence.detect(market.claims, orders, parameters=parameters)
    seen = published(market.claims, orders, tables(result, links=True, lineage=True)).check()
    assert seen["together"] >= len(result.rings) > 0
    assert seen["link"] == len(result.links) > 0


def test_whole_days_are_said_as_whole_days() -> None:
    market = generate_marketplace(GeneratorOptions(buyers=800, seed=41))
    claims = market.claims.with_columns(pl.col("filed_at").dt.truncate("1d"))
    result = ringfence.detect(claims, parameters=QUICK)
    assert len(result.rings)
    found = tables(result, links=True, lineage=True)
    published(claims, None, found, grain=timedelta(days=1)).check()


def test_what_is_written_to_files_says_the_same(tmp_path: Path) -> None:
    market = generate_marketplace(GeneratorOptions(buyers=700, seed=42, stealth=0.3))
    ringfence.detect(market.claims, market.orders, parameters=QUICK).write(tmp_path / "run")
    run = read_run(tmp_path / "run")
    found = {name: getattr(run, name) for name in ("rings", "members", "evidence", "links")}
    found |= {name: getattr(run, name) for name in ("leads", "lead_members", "lead_evidence")}
    published(market.claims, market.orders, found).check()


WAVERS, HOLDERS, CROWD, ONCE, WEAK, NEAR = (names(letter, 6) for letter in "whcozn")


def unusual() -> list[Row]:
    """Waves at one shop, a ring of one address with two buyers who hold it too, one occasion, one meeting."""
    rows = [
        claim(member, 20, 40.0 + 21.0 * wave + 0.1 * i)
        for wave in range(4)
        for i, member in enumerate(WAVERS)
    ]
    home = {"address": "12 Mill Lane, 60311 Frankfurt"}
    rows += strike(HOLDERS, [50, 70, 90], first_day=120.0, shared=home)
    rows += [claim(buyer, 7, 30.0 * i, **home) for i, buyer in enumerate(NEAR[:2])]
    rows += [claim(member, shop, 200.0 + 0.01 * i) for i, member in enumerate(ONCE) for shop in (33, 34, 35)]
    rows += strike(WEAK[:2], [61, 62], first_day=240.0, hours=40.0)
    return rows + lives([*WAVERS, *HOLDERS, *ONCE, *WEAK], 2, seed=10)


def proposed(
    market: Market,
    rings: list[tuple[list[str], Candidate]],
    leads: list[tuple[list[str], Candidate]],
    near: Sequence[str] = (),
) -> dict[str, pl.DataFrame]:
    """Give the tables of a run whose methods proposed these groups, the last ring with `near` it."""
    return tables(reported(market, rings, leads, near), links=True, lineage=True)


def reported(
    market: Market,
    rings: list[tuple[list[str], Candidate]],
    leads: list[tuple[list[str], Candidate]],
    near: Sequence[str] = (),
    most_leads: int = 200,
) -> Detection:
    """Give the run as a whole, with so many leads at most."""
    prepared = prepare(market, Parameters(), Silent())
    known = prepared.market.buyer_ids

    def numbers(buyers: Sequence[str]) -> Longs:
        return np.sort(known.search_sorted(pl.Series(buyers)).to_numpy().astype(np.int64))

    def candidates(groups: list[tuple[list[str], Candidate]]) -> list[Candidate]:
        return [replace(candidate, members=numbers(buyers)) for buyers, candidate in groups]

    chosen = candidates(rings)
    if near:
        chosen[-1] = replace(chosen[-1], associates=numbers(near))
    found = gather(prepared, Proposals(chosen, candidates(leads)))
    return report(
        market, found, Parameters(), links=True, past=None, progress=Silent(), most_leads=most_leads
    )


def a(method: DetectionMethod, score: float, refusal: LeadKind | None = None) -> Candidate:
    return Candidate(np.empty(0, np.int64), score, method, refusal=refusal)


def test_each_method_has_a_sentence_and_its_numbers_hold() -> None:
    claims = scene(unusual())
    orders = orders_of([order(member, shop, 199.0) for member in ONCE for shop in (33, 34, 35)])
    market = market_of(claims, orders)
    found = proposed(
        market,
        [(WAVERS, a(DetectionMethod.WAVES, 40.0)), (HOLDERS, a(DetectionMethod.IDENTIFIERS, 30.0))],
        [
            (ONCE, a(DetectionMethod.BLOCKS, 20.0, LeadKind.ONE_OCCASION)),
            (WEAK[:2], a(DetectionMethod.COINCIDENCE, 2.2, LeadKind.WEAK_EVIDENCE)),
        ],
        NEAR[:2],
    )
    assert violations(found, market, Parameters()) == ()
    seen = published(claims, orders, found).check()
    timeless = claims.with_columns(filed_at=pl.lit(BEGIN).cast(pl.Datetime("us", "UTC")))
    market = market_of(timeless, None)
    found = proposed(market, [(HOLDERS, a(DetectionMethod.STRUCTURE, 9.0))], [])
    assert violations(found, market, Parameters()) == ()
    seen |= published(timeless, None, found).check()
    assert seen.keys() == FORMS.keys()


SIX = "with 6 of the 6 members of ring RING"


@pytest.mark.parametrize(
    ("devices", "homes", "said"),
    [
        pytest.param(
            [],
            NEAR[:2],
            f"2 buyers share an address {SIX} (8 buyers who claim hold it in all)",
            id="one value",
        ),
        pytest.param(
            NEAR[:1],
            NEAR[:2],
            f"2 buyers share an address {SIX} (8 buyers who claim hold it in all); "
            "1 of the 2 shares a device with 4 of the members (5 buyers who claim hold it in all)",
            id="a second value of one of them",
        ),
        pytest.param(
            NEAR[1:2],
            NEAR[:1],
            f"1 of 2 buyers shares an address {SIX} (7 buyers who claim hold it in all); "
            "1 of the 2 shares a device with 4 of the members (5 buyers who claim hold it in all)",
            id="a value each",
        ),
    ],
)
def test_associates_say_how_many_of_them_share_what_with_how_many_members(
    devices: list[str], homes: list[str], said: str
) -> None:
    home, device = {"address": "12 Mill Lane, 60311 Frankfurt"}, {"device": "tablet"}
    rows = strike(HOLDERS[:4], [50, 70, 90], first_day=120.0, shared=home | device)
    rows += strike(HOLDERS[4:], [50, 70, 90], first_day=120.0, shared=home)
    for i, buyer in enumerate(NEAR[:2]):
        used = (home if buyer in homes else {}) | (device if buyer in devices else {})
        rows.append(claim(buyer, 7, 30.0 * i, **used))
    claims = scene(rows + lives(HOLDERS, 2, seed=10))
    market = market_of(claims, None)
    found = proposed(market, [(HOLDERS, a(DetectionMethod.IDENTIFIERS, 30.0))], [], NEAR[:2])
    (lead,) = found["leads"].to_dicts()
    clauses, _, rest = lead["why"].replace(lead["ring_id"], "RING").partition("; the rarest")
    assert clauses == said
    assert rest.startswith(" of these is held by ")
    assert violations(found, market, Parameters()) == ()
    assert published(claims, None, found).check()["associates"] == 1


def test_a_run_lays_out_its_strongest_leads_alone_and_says_how_many_there_were() -> None:
    market = market_of(scene(unusual()), None)
    rings = [(HOLDERS, a(DetectionMethod.IDENTIFIERS, 30.0))]
    leads = [
        (ONCE, a(DetectionMethod.BLOCKS, 20.0, LeadKind.ONE_OCCASION)),
        (WAVERS, a(DetectionMethod.WAVES, 9.0, LeadKind.SHARED_SHOPPING)),
        (WEAK[:2], a(DetectionMethod.COINCIDENCE, 2.2, LeadKind.WEAK_EVIDENCE)),
    ]
    whole = reported(market, rings, leads, NEAR[:2])
    assert whole.leads["score"].is_sorted(descending=True)
    assert set(whole.leads["kind"]) == {"one_occasion", "shared_shopping", "associates", "weak_evidence"}
    assert not [note for note in whole.notes if "leads were found" in note]
    for most in range(5):
        part = reported(market, rings, leads, NEAR[:2], most)
        kept = whole.leads["lead_id"].head(most).to_list()
        for table in LEADS:
            expected = getattr(whole, table).filter(pl.col("lead_id").is_in(kept))
            assert getattr(part, table).equals(expected), table
        assert part.counts["leads"] == most
        said = [note for note in part.notes if "leads were found" in note]
        assert said == (
            [f"4 leads were found; the strongest {most} are kept (detection.leads_per_run in the policy)."]
            if most < 4
            else []
        )


@pytest.mark.parametrize(("score", "count"), [(2.0, 1), (1.9, 0)])
def test_what_has_too_little_evidence_for_a_ring_is_no_lead_either(score: float, count: int) -> None:
    lead = a(DetectionMethod.BLOCKS, score, LeadKind.ONE_OCCASION)
    found = reported(market_of(scene(unusual()), None), [], [(ONCE, lead)])
    assert (found.leads.height, found.counts["leads"]) == (count, count)


def test_what_was_one_occasion_is_said_to_be_one() -> None:
    claims = scene(unusual())
    found = proposed(
        market_of(claims, None), [], [(ONCE, a(DetectionMethod.BLOCKS, 20.0, LeadKind.ONE_OCCASION))]
    )
    (lead,) = found["leads"].to_dicts()
    assert (lead["merchants"], lead["occasions"]) == (3, 1)
    assert "in 3 joint events (1 separate occasion)" in lead["why"]


@pytest.mark.parametrize(
    ("buyers", "method"),
    [
        pytest.param(ONCE, DetectionMethod.COINCIDENCE, id="one occasion"),
        pytest.param(WAVERS, DetectionMethod.COINCIDENCE, id="one merchant"),
    ],
)
def test_what_telling_events_do_not_support_is_a_lead(buyers: list[str], method: DetectionMethod) -> None:
    market = market_of(scene(unusual()), None)
    found = proposed(market, [(buyers, a(method, 30.0))], [])
    assert found["rings"].is_empty()
    assert set(found["lead_members"]["buyer_id"]) == set(buyers)
    assert violations(found, market, Parameters()) == ()


@pytest.mark.parametrize(
    ("strangers", "method"),
    [
        pytest.param(NEAR[:1], DetectionMethod.BLOCKS, id="one who met nobody"),
        pytest.param(WEAK[:2], DetectionMethod.IDENTIFIERS, id="two who met each other alone"),
    ],
)
def test_who_did_not_meet_the_others_often_is_named_no_member(
    strangers: list[str], method: DetectionMethod
) -> None:
    market = market_of(scene(unusual()), None)
    found = proposed(market, [([*HOLDERS, *strangers], a(method, 30.0))], [])
    groups = pl.concat([found[table].select("buyer_id") for table in ("members", "lead_members")])
    assert not set(strangers) & set(found["members"]["buyer_id"])
    assert set(HOLDERS) <= set(groups["buyer_id"])
    assert violations(found, market, Parameters()) == ()


def test_a_lead_that_is_mostly_a_ring_or_a_stronger_lead_is_none() -> None:
    market = market_of(scene(unusual()), None)
    found = proposed(
        market,
        [(HOLDERS, a(DetectionMethod.COINCIDENCE, 30.0))],
        [
            ([*HOLDERS[:3], *WEAK[:2]], a(DetectionMethod.BLOCKS, 9.0, LeadKind.WEAK_EVIDENCE)),
            (ONCE, a(DetectionMethod.BLOCKS, 8.0, LeadKind.ONE_OCCASION)),
            (ONCE[:4], a(DetectionMethod.COINCIDENCE, 7.0, LeadKind.ONE_OCCASION)),
            ([*WEAK[:2], HOLDERS[0], ONCE[0]], a(DetectionMethod.BLOCKS, 6.0, LeadKind.WEAK_EVIDENCE)),
        ],
    )
    assert found["leads"]["score"].to_list() == [8.0, 3.0]
    weakest = found["lead_members"].filter(pl.col("lead_id") == found["leads"]["lead_id"][1])
    assert set(weakest["buyer_id"]) == set(WEAK[:2])


def test_a_sentence_of_an_unknown_form_is_an_error() -> None:
    with pytest.raises(AssertionError, match="no form reads"):
        read("5 buyers claimed at once.", *FORMS)


def test_a_number_that_does_not_follow_is_an_error() -> None:
    claims = claims_of(lives(names("b", 300), 6, seed=3)).vstack(
        claims_of(strike(HOLDERS, [5, 50, 100])).with_columns(claim_id="x" + pl.col("claim_id"))
    )
    found = tables(ringfence.detect(claims, parameters=QUICK), links=True, lineage=True)
    sound = published(claims, None, found)
    sound.check()
    for table, old, new in (
        ("rings", "18 claims", "19 claims"),
        ("rings", "3 separate", "2 separate"),
        ("members", "at 3 of its", "at 2 of its"),
        ("links", "on 3 separate", "on 4 separate"),
    ):
        changed = found[table].with_columns(pl.col("why").str.replace(old, new, literal=True))
        assert not changed.equals(found[table])
        with pytest.raises(AssertionError):
            replace(sound, tables={**found, table: changed}).check()
