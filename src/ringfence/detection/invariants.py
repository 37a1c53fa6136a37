"""What is published must support what is said: the rules, as one function over the tables of a run."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from ringfence.detection.parameters import Parameters
from ringfence.detection.wording import NOUN, Group
from ringfence.domain.errors import RingfenceError
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs, Market
from ringfence.market.results import SCHEMAS, telling

_SOME = 3
"""Examples that a sentence names."""


class UnsoundFindingsError(RingfenceError):
    """What was found contradicts itself, and is not published."""

    def __init__(self, violations: tuple[str, ...]) -> None:
        super().__init__(
            f"What was found contradicts itself, and is not published: {' '.join(violations)} This is a "
            "fault of Ringfence: please report this."
        )
        self.violations = violations


def require_sound(tables: Mapping[str, pl.DataFrame], market: Market, parameters: Parameters) -> None:
    """Raise UnsoundFindingsError if `violations` finds any."""
    if found := violations(tables, market, parameters):
        raise UnsoundFindingsError(found)


def violations(tables: Mapping[str, pl.DataFrame], market: Market, parameters: Parameters) -> tuple[str, ...]:
    """List, a sentence each, the rules that the tables of a run break; empty for a sound run.

    `tables` are those of `market.results.SCHEMAS` by name; links, lineage, leads and risks may be absent.
    `market` is what was looked at, with `parameters`. Every member has a joint event
    that chance does not explain, and such events connect all members of a ring; they lie at two merchants
    (unless they are waves at one) and on two occasions (unless times say nothing). All totals equal their
    rows, and every row a claim of the market. A buyer is in one ring.
    """
    known = {name: tables.get(name, pl.DataFrame(schema=SCHEMAS[name])) for name in SCHEMAS}
    return tuple(
        [
            *_of_rings(known, parameters),
            *_of_groups(known["rings"], known["members"], known["evidence"], "ring"),
            *_of_groups(known["leads"], known["lead_members"], known["lead_evidence"], "lead"),
            *_of_leads(known),
            *_against_market(known, market),
            *_of_buyers(known, market),
            *_of_links(known["links"]),
            *_of_risks(known),
        ]
    )


def _of_rings(tables: Mapping[str, pl.DataFrame], parameters: Parameters) -> Iterator[str]:
    ring_score, highest = parameters.ring_score, parameters.calibration.ring_p_value
    rings, members = tables["rings"], tables["members"]
    rows = telling(tables["evidence"])
    low = rings.filter(~(pl.col("score").is_finite() & (pl.col("score") >= ring_score)))
    yield from _say(low, "ring_id", f"rings have less than the {ring_score:g} decades a ring needs")
    likely = rings.filter(pl.col("p_value").fill_null(0.0) > highest)
    yield from _say(likely, "ring_id", f"rings have a p-value above the {highest:g} that a ring may have")
    double = members.filter(pl.col("buyer_id").is_duplicated()).unique("buyer_id").sort("buyer_id")
    yield from _say(double, "buyer_id", "buyers are in two rings")
    idle = members.join(rows, on=("ring_id", "buyer_id"), how="anti")
    yield from _say(idle, "buyer_id", "members have no joint event that chance does not explain")
    pieces = _in_pieces(rows)
    yield from _say(
        rings.filter(pl.col("ring_id").is_in(pieces)),
        "ring_id",
        "rings lie in pieces that no such event connects",
    )
    is_waves, is_timeless = (
        pl.col("method") == method.value for method in (DetectionMethod.WAVES, DetectionMethod.STRUCTURE)
    )
    narrow = rings.filter(~is_waves & (pl.col("merchants") < 2))
    yield from _say(narrow, "ring_id", "rings that are no waves rest on one merchant")
    once = rings.filter(~is_timeless & (pl.col("occasions").fill_null(0) < 2))
    yield from _say(once, "ring_id", "rings rest on one occasion")


def _in_pieces(rows: pl.DataFrame) -> list[str]:
    """Name the rings whose members shared events do not connect, by the least label that reaches each."""
    numbered = rows.select(
        "ring_id",
        buyer=pl.struct("ring_id", "buyer_id").rank("dense").cast(pl.Int64) - 1,
        event=pl.struct("ring_id", "event").rank("dense").cast(pl.Int64) - 1,
    )
    buyer, event = numbered["buyer"].to_numpy(), numbered["event"].to_numpy()
    label = _components(buyer, event)
    labelled = numbered.select("ring_id").with_columns(label=pl.Series(label[buyer]))
    counted = labelled.group_by("ring_id").agg(pl.col("label").n_unique())
    return counted.filter(pl.col("label") > 1)["ring_id"].to_list()


def _components(buyer: Longs, event: Longs) -> Longs:
    """Give each buyer the least buyer that shared events reach: int64[buyers]."""
    label = np.arange(int(buyer.max(initial=-1)) + 1)
    while True:
        least = np.full(int(event.max(initial=-1)) + 1, len(label))
        np.minimum.at(least, event, label[buyer])
        reached = label.copy()
        np.minimum.at(reached, buyer, least[event])
        reached = reached[reached]
        if np.array_equal(reached, label):
            return label
        label = reached


def _of_groups(
    groups: pl.DataFrame, members: pl.DataFrame, evidence: pl.DataFrame, what: Group
) -> Iterator[str]:
    """Check what holds for rings and leads alike: their rows belong to them and add up."""
    key = f"{what}_id"
    yield from _say(
        groups.filter(pl.col(key).is_duplicated()).unique(key).sort(key), key, f"{what}s are named twice"
    )
    lost = members.join(groups, on=key, how="anti").select(key).unique().sort(key)
    yield from _say(lost, key, f"{what}s have {NOUN[what]}s and no row")
    unsure = groups.filter(
        ~pl.col("score").is_finite() | ~pl.col("p_value").fill_null(0.0).is_between(0.0, 1.0)
    )
    yield from _say(unsure, key, f"{what}s have a score or p-value that is none")
    wrong = members.filter(~(pl.col("score").is_finite() & (pl.col("score") >= 0.0)))
    yield from _say(wrong, "buyer_id", f"{NOUN[what]}s of {what}s have a score that is none")
    strange = evidence.join(members, on=(key, "buyer_id"), how="anti")
    yield from _say(strange, "claim_id", f"claims behind {what}s are of buyers who are not in them")
    doubled = evidence.filter(pl.struct(key, "claim_id").is_duplicated()).unique("claim_id").sort("claim_id")
    yield from _say(doubled, "claim_id", f"claims lie in two events of one {what}")
    yield from _of_events(evidence, key, what)
    for column in ("size", "claims", "merchants", "first_claim_at", "last_claim_at", "amount"):
        differing = _differing(groups, members, evidence, key, column)
        yield from _say(differing, key, f"{what}s' {column} is not that of their rows")


def _of_events(evidence: pl.DataFrame, key: str, what: str) -> Iterator[str]:
    events = evidence.group_by(key, "event").agg(
        buyers=pl.col("buyer_id").n_unique(),
        merchants=pl.col("merchant_id").n_unique(),
        kinds=pl.col("weak").n_unique(),
        begins=pl.col("filed_at").min(),
        is_told=(pl.col("expected").is_finite() & (pl.col("expected") >= 0.0)).fill_null(False).all(),
    )
    lone = events.filter(
        (pl.col("buyers") < 2) | (pl.col("merchants") != 1) | (pl.col("kinds") != 1) | ~pl.col("is_told")
    ).sort(key, "event")
    yield from _say(lone, key, f"events of {what}s are not of two buyers at one merchant, with one verdict")
    late = events.sort(key, "event").filter(pl.col("begins") < pl.col("begins").shift(1).over(key))
    yield from _say(late, key, f"events of {what}s are not numbered in the order of time")


def _differing(
    groups: pl.DataFrame, members: pl.DataFrame, evidence: pl.DataFrame, key: str, column: str
) -> pl.DataFrame:
    """Give the groups whose `column` is not what their rows make it."""
    rows = telling(evidence)
    if column == "size":
        made = members.group_by(key).agg(made=pl.len().cast(pl.Int64))
    elif column == "amount":
        sums = _money(rows.select(key, "amount")).sort(key, "currency", "minor")
        told = _money(groups.select(key, pl.col("amount").str.split(";")).explode("amount")).sort(
            key, "currency", "minor"
        )
        odd = pl.concat(
            [sums.join(told, on=sums.columns, how="anti"), told.join(sums, on=sums.columns, how="anti")]
        )
        return groups.join(odd, on=key, how="semi")
    elif column in ("claims", "merchants"):
        counted = pl.len() if column == "claims" else pl.col("merchant_id").n_unique()
        made = rows.group_by(key).agg(made=counted.cast(pl.Int64))
    else:
        at = pl.col("filed_at")
        made = rows.group_by(key).agg(made=at.min() if column == "first_claim_at" else at.max())
    joined = groups.join(made, on=key, how="left", maintain_order="left")
    nothing = 0 if column in ("size", "claims", "merchants") else None
    return joined.filter(
        pl.col(column).ne_missing(pl.col("made").fill_null(nothing) if nothing == 0 else pl.col("made"))
    )


def _money(amounts: pl.DataFrame) -> pl.DataFrame:
    """Add up amounts such as `EUR:3.00` by group and currency, in minor units."""
    key = amounts.columns[0]
    parts = pl.col("amount").str.splitn(":", 2).struct
    return (
        amounts.filter(pl.col("amount").fill_null("") != "")
        .select(
            key,
            currency=parts.field("field_0"),
            minor=parts.field("field_1").str.replace(".", "", literal=True).cast(pl.Int64),
        )
        .group_by(key, "currency")
        .agg(pl.col("minor").sum())
    )


def _of_leads(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    leads, lead_members = tables["leads"], tables["lead_members"]
    ring_ids = tables["rings"]["ring_id"].implode()
    lost = leads.filter(pl.col("ring_id").is_not_null() & ~pl.col("ring_id").is_in(ring_ids))
    yield from _say(lost, "lead_id", "leads are near a ring that is not there")
    inside = lead_members.with_columns(
        is_member=pl.col("buyer_id").is_in(tables["members"]["buyer_id"].implode())
    )
    mostly = inside.group_by("lead_id").agg(pl.col("is_member").mean()).filter(pl.col("is_member") >= 0.5)
    yield from _say(mostly.sort("lead_id"), "lead_id", "leads have half their buyers or more in rings")


def _against_market(tables: Mapping[str, pl.DataFrame], market: Market) -> Iterator[str]:
    """Compare the claims behind rings and leads with those of the market."""
    columns = ["claim_id", "buyer_id", "merchant_id", "filed_at", "amount"]
    told = pl.concat([tables[table].select(columns) for table in ("evidence", "lead_evidence")]).unique()
    claims = market.claims
    kept = np.flatnonzero(claims.claim_id.is_in(told["claim_id"].implode()).to_numpy())
    made = pl.DataFrame(
        {
            "claim_id": claims.claim_id.gather(kept),
            "buyer_id": market.buyer_ids.gather(claims.buyer[kept]),
            "merchant_id": market.merchant_ids.gather(claims.merchant[kept]),
            "filed_at": pl.Series(claims.filed_at[kept]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            "currency": pl.Series(market.currencies, dtype=pl.String).gather(claims.currency[kept]),
            "minor": claims.amount[kept],
        },
        schema_overrides={"claim_id": pl.String},
    )
    parts = pl.col("amount").str.splitn(":", 2).struct
    parsed = told.with_columns(
        currency=parts.field("field_0"),
        minor=parts.field("field_1").str.replace(".", "", literal=True).cast(pl.Int64),
    )
    odd = parsed.join(made, on=made.columns, how="anti").unique("claim_id").sort("claim_id")
    yield from _say(odd, "claim_id", "claims are not filed as said: buyer, merchant, time or amount differ")


def _of_buyers(tables: Mapping[str, pl.DataFrame], market: Market) -> Iterator[str]:
    buyers = tables["buyers"]
    if "buyers" in tables and len(buyers):
        wrong = buyers.filter(
            ~pl.col("score").is_between(0.0, 1.0)
            | pl.col("score").is_nan()
            | pl.col("buyer_id").is_duplicated()
        )
        yield from _say(wrong, "buyer_id", "buyers are listed twice, or with a score outside 0 to 1")
    everyone = market.buyer_ids.implode()
    for table in ("members", "lead_members", "buyers"):
        strange = tables[table].filter(~pl.col("buyer_id").is_in(everyone))
        yield from _say(strange, "buyer_id", "buyers are not in the market")


def _of_links(links: pl.DataFrame) -> Iterator[str]:
    odd = links.filter((pl.col("buyer_a") >= pl.col("buyer_b")) | ~pl.col("score").is_finite())
    yield from _say(odd, "buyer_a", "links are not of two buyers, or have a score that is none")
    twice = links.filter(pl.struct("buyer_a", "buyer_b").is_duplicated())
    yield from _say(twice, "buyer_a", "links are listed twice")


def _of_risks(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    """Compare what risks say of rings with the rings; those who say nothing of a ring are in none."""
    risks = tables["risks"]
    if risks.is_empty():
        return
    rings = tables["rings"].select("ring_id", ring_score="score", ring_size="size", ring_claims="claims")
    made = tables["members"].select("buyer_id", "ring_id").join(rings, on="ring_id")
    told = risks.filter(pl.col("ring_id").is_not_null()).select(made.columns)
    odd = pl.concat(
        [told.join(made, on=made.columns, how="anti"), made.join(told, on=made.columns, how="anti")]
    )
    yield from _say(
        odd.unique("buyer_id").sort("buyer_id"), "buyer_id", "buyers' risks differ from their rings"
    )


def _say(found: pl.DataFrame, column: str, what: str) -> Iterator[str]:
    """Say how many rows break a rule, and name some of them."""
    if len(found):
        named = ", ".join(found[column].head(_SOME).to_list())
        yield f"{len(found):,} {what}: {named}{', …' if len(found) > _SOME else ''}."
