"""What the recipes read, the keys they link buyers by, and what they write."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

MOST_BUYERS = 500
"""Keys of more buyers are dropped: they say nothing, and their pairs would fill the memory."""
SMALLEST_RING = 3
KINDS = ("address", "device", "payment")


def scan_claims(folder: Path) -> pl.LazyFrame:
    """The claims in claims.parquet, or in claims.csv where there is none."""
    parquet = folder / "claims.parquet"
    if parquet.exists():
        return pl.scan_parquet(parquet)
    return pl.scan_csv(folder / "claims.csv", try_parse_dates=True)


def read_keys(folder: Path) -> pl.DataFrame:
    """Distinct (key, buyer_id): the exact identifiers and the (merchant, day) of every claim in `folder`.

    Keys of one buyer or of too many are left out.
    """
    claims = scan_claims(folder)
    shared = identifier_keys(claims, KINDS)
    day = pl.col("filed_at").dt.date()
    met = claims.select(pl.format("day:{}:{}", "merchant_id", day).alias("key"), "buyer_id")
    keys = pl.concat([*shared, met]).unique()
    holders = pl.len().over("key")
    return keys.filter((holders >= 2) & (holders <= MOST_BUYERS)).collect()


def identifier_keys(claims: pl.LazyFrame, kinds: Sequence[str]) -> list[pl.LazyFrame]:
    """(key, buyer_id) of each of `kinds` that the claims have, a frame a kind, as often as it was given."""
    present = [kind for kind in kinds if kind in claims.collect_schema().names()]
    return [
        claims.select(pl.format(kind + ":{}", kind).alias("key"), "buyer_id").filter(
            pl.col("key").is_not_null()
        )
        for kind in present
    ]


def write_scores(folder: Path, scores: pl.DataFrame) -> None:
    """Write buyers.csv (buyer_id, score), the most suspicious first."""
    folder.mkdir(parents=True, exist_ok=True)
    scores.sort("score", "buyer_id", descending=[True, False]).write_csv(folder / "buyers.csv")


def write_rings(folder: Path, rings: Iterable[Sequence[str]]) -> None:
    """Write rings.csv and members.csv, the largest ring first."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted((sorted(ring) for ring in rings), key=lambda ring: (-len(ring), ring))
    names = [f"r{number}" for number in range(len(ordered))]
    sizes = [len(ring) for ring in ordered]
    pl.DataFrame(
        {"ring_id": names, "size": sizes}, schema={"ring_id": pl.String, "size": pl.Int64}
    ).write_csv(folder / "rings.csv")
    members = [(name, buyer) for name, ring in zip(names, ordered, strict=True) for buyer in ring]
    pl.DataFrame(members, schema={"ring_id": pl.String, "buyer_id": pl.String}, orient="row").write_csv(
        folder / "members.csv"
    )
