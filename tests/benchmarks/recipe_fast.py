"""The same recipe done fast: pairs by a self-join in polars, Leiden in C++ (networkit).

    python tests/benchmarks/recipe_fast.py DATA OUT

It stays as it is, so that figures of different days can be compared.
"""

import argparse
from pathlib import Path

import networkit as nk
import numpy as np
import polars as pl
from recipe_input import SMALLEST_RING, read_keys, write_rings


def link_buyers(keys: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Buyers' ids and their pairs: u < v (positions), weight (keys shared)."""
    buyers = keys["buyer_id"].unique().sort()
    position = pl.DataFrame({"buyer_id": buyers}).with_row_index("u")
    coded = keys.join(position, on="buyer_id").select(pl.col("key").hash(), "u").lazy()
    pairs = (
        coded.join(coded.rename({"u": "v"}), on="key")
        .filter(pl.col("u") < pl.col("v"))
        .group_by("u", "v")
        .agg(weight=pl.len().cast(pl.Float64))
        .collect(engine="streaming")
    )
    return buyers, pairs


def find_communities(keys: pl.DataFrame) -> pl.DataFrame:
    """Communities of the buyers that share keys: community, buyer_id (a list)."""
    buyers, pairs = link_buyers(keys)
    ends = (pairs["u"].to_numpy().astype(np.uint64), pairs["v"].to_numpy().astype(np.uint64))
    graph = nk.GraphFromCoo((pairs["weight"].to_numpy(), ends), n=len(buyers), weighted=True, directed=False)
    nk.setSeed(1, False)
    leiden = nk.community.ParallelLeiden(graph, gamma=1.0)
    leiden.run()
    community = np.asarray(leiden.getPartition().getVector())
    return pl.DataFrame({"community": community, "buyer_id": buyers}).group_by("community").agg("buyer_id")


def main() -> None:
    """Read the arguments, find communities, write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with claims.parquet or claims.csv")
    parser.add_argument("out", type=Path, help="folder for rings.csv and members.csv")
    asked = parser.parse_args()
    communities = find_communities(read_keys(asked.data))
    rings = communities.filter(pl.col("buyer_id").list.len() >= SMALLEST_RING)
    write_rings(asked.out, rings["buyer_id"].to_list())


if __name__ == "__main__":
    main()
