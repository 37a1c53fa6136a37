"""Make the marketplaces that speed is measured on: big, plain, and with enough rings to give work.

    python tests/benchmarks/marketplaces.py DIR --claims 100000 --claims 1000000 --csv

writes DIR/100000/parquet/claims.parquet, DIR/100000/csv/claims.csv and DIR/100000/truth.csv. There are five
claims a buyer and two hundred a merchant, in one year, to the second. For quality see hidden_markets.py.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

DAY = 86_400
YEAR = 365 * DAY
NEW_YEAR = np.datetime64("2025-01-01T00:00:00", "us")
ROWS_AT_ONCE = 500_000
KINDS = ("address", "device", "payment")

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClaimColumns:
    """Claims as parallel columns; seconds count from the start of the year."""

    buyer: Ints
    merchant: Ints
    second: Ints


@dataclass(frozen=True)
class Buyers:
    """What each of n buyers is known by."""

    identifiers: dict[str, Ints]
    """Kind -> int32[n], the number of the value that the buyer uses."""
    ring: Ints
    """int32[n], the ring of a member, -1 for honest buyers."""


def unequal_activity(rng: np.random.Generator, size: int) -> Floats:
    """Cumulative share of each buyer in all claims, lognormal: draw by searching uniform numbers in it."""
    weights = rng.lognormal(0.0, 0.8, size)
    cumulated: Floats = np.cumsum(weights / weights.sum())
    return cumulated


def zipf_popularity(rng: np.random.Generator, size: int, exponent: float) -> Floats:
    """Cumulative share of each merchant in all claims by Zipf's law, the ranks in random order."""
    weights = rng.permutation(np.arange(1.0, size + 1) ** -exponent)
    cumulated: Floats = np.cumsum(weights / weights.sum())
    return cumulated


def pick(rng: np.random.Generator, cumulated: Floats, size: int) -> Ints:
    """`size` positions drawn by cumulative popularity."""
    found = np.searchsorted(cumulated, rng.random(size), side="right")
    return np.minimum(found, len(cumulated) - 1).astype(np.int32)


def season(rng: np.random.Generator, size: int) -> Ints:
    """Seconds of the year: quieter weekends, a sale of ten days in November, evenings rather than nights."""
    days = np.arange(365)
    weight = 1.0 - 0.2 * (days % 7 >= 5)
    weight[311:321] *= 4.0
    day = pick(rng, np.cumsum(weight / weight.sum()), size).astype(np.int64)
    of_day = rng.beta(4.0, 2.5, size) * DAY
    return (day * DAY + of_day).astype(np.int32)


def honest_claims(
    rng: np.random.Generator, count: int, buyers: int, merchants: int, zipf: float
) -> ClaimColumns:
    """Independent claims of unequal buyers against unequally popular merchants."""
    activity, popularity = unequal_activity(rng, buyers), zipf_popularity(rng, merchants, zipf)
    return ClaimColumns(pick(rng, activity, count), pick(rng, popularity, count), season(rng, count))


def faulty_batches(rng: np.random.Generator, batches: int, buyers: int, merchants: int) -> ClaimColumns:
    """Strangers, a hundred at a time, who claim against one merchant within a week."""
    strangers = 100
    buyer = rng.integers(0, buyers, batches * strangers)
    merchant = np.repeat(rng.integers(0, merchants, batches), strangers)
    start = np.repeat(rng.integers(0, YEAR - 7 * DAY, batches), strangers)
    second = start + rng.integers(0, 7 * DAY, len(start))
    return ClaimColumns(buyer.astype(np.int32), merchant.astype(np.int32), second.astype(np.int32))


def shared_homes(rng: np.random.Generator, buyers: int) -> dict[str, Ints]:
    """Identifiers of honest buyers: their own, but for families and a few parcel lockers."""
    own = np.arange(buyers, dtype=np.int32)
    address, device, payment = own.copy(), own.copy(), own.copy()
    relatives = rng.permutation(buyers)[: buyers // 16]
    heads = np.repeat(relatives[::3], 3)[: len(relatives)]
    address[relatives] = heads
    payment[relatives] = np.where(rng.random(len(relatives)) < 0.5, heads, payment[relatives])
    lockers = max(1, buyers // 10_000)
    guests = rng.permutation(buyers)[: lockers * 200]
    address[guests] = guests[rng.integers(0, lockers, len(guests))]
    return {"address": address, "device": device, "payment": payment}


def planted_rings(
    rng: np.random.Generator, rings: int, identifiers: dict[str, Ints], merchants: int
) -> tuple[ClaimColumns, Ints]:
    """Rings of 3 to 15 with 6 to 12 joint hits within hours; shares an address, a device or nothing at all.

    Changes the members' entries of `identifiers`; returns their joint claims and each buyer's ring or -1.
    """
    buyers = len(identifiers["address"])
    membership = np.full(buyers, -1, np.int32)
    sizes = rng.integers(3, 16, rings)
    everyone = rng.permutation(buyers)[: sizes.sum()]
    buyer: list[Ints] = []
    merchant: list[Ints] = []
    second: list[Ints] = []
    for ring, members in enumerate(np.split(everyone, np.cumsum(sizes)[:-1])):
        membership[members] = ring
        if ring % 3 < 2:
            shared = identifiers[("address", "device")[ring % 3]]
            shared[members] = shared[members[0]]
        hits = int(rng.integers(6, 13))
        joins = rng.random((hits, len(members))) < rng.uniform(0.6, 0.95)
        hit, who = np.nonzero(joins)
        begins = rng.integers(0, YEAR - 60 * DAY) + np.sort(rng.integers(0, 55 * DAY, hits))
        spread = rng.exponential(6 * 3600, len(hit)).clip(max=3 * DAY)
        buyer.append(members[who].astype(np.int32))
        merchant.append(rng.choice(merchants, hits, replace=False)[hit].astype(np.int32))
        second.append((begins[hit] + spread).astype(np.int32))
    return ClaimColumns(np.concatenate(buyer), np.concatenate(merchant), np.concatenate(second)), membership


def make_marketplace(claims: int, seed: int, zipf: float) -> tuple[ClaimColumns, Buyers]:
    """About `claims` claims in the order of time, of claims/5 buyers against claims/200 merchants."""
    rng = np.random.default_rng([seed, claims])
    buyers, merchants = claims // 5, claims // 200
    identifiers = shared_homes(rng, buyers)
    joint, membership = planted_rings(rng, max(3, claims // 5_000), identifiers, merchants)
    batches = faulty_batches(rng, max(1, claims // 20_000), buyers, merchants)
    rest = max(0, claims - len(joint.buyer) - len(batches.buyer))
    parts = (honest_claims(rng, rest, buyers, merchants, zipf), batches, joint)
    buyer = np.concatenate([part.buyer for part in parts])
    merchant = np.concatenate([part.merchant for part in parts])
    second = np.concatenate([part.second for part in parts])
    order = np.argsort(second, kind="stable")
    columns = ClaimColumns(buyer[order], merchant[order], second[order])
    return columns, Buyers(identifiers, membership)


def _spelled(kind: str, number: pl.Expr) -> pl.Expr:
    """Text of an identifier: a value that looks like what people type or devices send."""
    scrambled = (number.cast(pl.UInt64) * 2_654_435_761) % 4_294_967_296
    if kind == "device":
        return pl.format("dev-{}-{}", scrambled, number)
    if kind == "payment":
        return pl.format("{}xxxxxx{}", 400_000 + scrambled % 99_999, number)
    streets = pl.Series(
        "s", ["Oak Street", "Mill Lane", "Station Road", "Harbour View", "Elm Avenue", "King's Way"]
    )
    towns = pl.Series("t", ["Springfield", "Ashford", "Lindau", "Porto", "Gdynia", "Mérida", "Kilkenny"])
    street = (scrambled % 6).replace_strict(dict(enumerate(streets)), return_dtype=pl.String)
    town = (scrambled % 7).replace_strict(dict(enumerate(towns)), return_dtype=pl.String)
    return pl.format(
        "Flat {}, {} {}, {} {}", scrambled % 90 + 1, number % 400 + 1, street, number + 10_000, town
    )


def claim_rows(claims: ClaimColumns, buyers: Buyers, first: int, rows: int) -> pl.DataFrame:
    """Rows `first` to `first + rows` as they stand in a file."""
    part = slice(first, first + rows)
    buyer, second = claims.buyer[part], claims.second[part]
    frame = pl.DataFrame(
        {"buyer": buyer, "merchant": claims.merchant[part], "row": np.arange(len(buyer)) + first}
    )
    frame = frame.with_columns(
        *(pl.Series(kind, buyers.identifiers[kind][buyer]) for kind in KINDS),
        filed_at=pl.Series(NEW_YEAR + second.astype("timedelta64[s]").astype("timedelta64[us]")),
    )
    return frame.select(
        claim_id=pl.format("c{}", "row"),
        buyer_id=pl.format("b{}", "buyer"),
        merchant_id=pl.format("m{}", "merchant"),
        filed_at="filed_at",
        amount=((pl.col("row") * 7919) % 19_000 + 500) / 100,
        **{kind: _spelled(kind, pl.col(kind)) for kind in KINDS},
    )


def write_marketplace(claims: int, folder: Path, *, csv: bool, seed: int, zipf: float) -> None:
    """Make a marketplace and write it in slices, so that ten million claims never stand in memory as text."""
    columns, buyers = make_marketplace(claims, seed, zipf)
    (folder / "parquet").mkdir(parents=True, exist_ok=True)
    starts = range(0, len(columns.buyer), ROWS_AT_ONCE)
    schema = claim_rows(columns, buyers, 0, 1).to_arrow().schema
    with pq.ParquetWriter(folder / "parquet" / "claims.parquet", schema, compression="zstd") as writer:
        for start in starts:
            writer.write_table(claim_rows(columns, buyers, start, ROWS_AT_ONCE).to_arrow())
    if csv:
        (folder / "csv").mkdir(exist_ok=True)
        with (folder / "csv" / "claims.csv").open("wb") as file:
            for start in starts:
                rows = claim_rows(columns, buyers, start, ROWS_AT_ONCE)
                rows.write_csv(file, include_header=start == 0, datetime_format="%Y-%m-%dT%H:%M:%S")
    members = np.flatnonzero(buyers.ring >= 0)
    truth = pl.DataFrame({"buyer": members, "ring": buyers.ring[members]})
    truth = truth.select(buyer_id=pl.format("b{}", "buyer"), ring_id=pl.format("t{}", "ring"))
    truth.write_csv(folder / "truth.csv")


def main() -> None:
    """Read the arguments and write the marketplaces."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the marketplaces are written")
    parser.add_argument(
        "--claims", type=int, action="append", help="size; give it once for each (default 100000)"
    )
    parser.add_argument("--csv", action="store_true", help="write CSV beside Parquet")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--zipf", type=float, default=1.0, help="exponent of the merchants' popularity")
    asked = parser.parse_args()
    for claims in asked.claims or [100_000]:
        folder = asked.folder / str(claims)
        write_marketplace(claims, folder, csv=asked.csv, seed=asked.seed, zipf=asked.zipf)
        print(f"{claims} claims in {folder}")


if __name__ == "__main__":
    main()
