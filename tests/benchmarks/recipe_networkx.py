"""The recipe of most notebooks: project buyers and keys onto buyers, weighted Louvain, communities are rings.

    python tests/benchmarks/recipe_networkx.py DATA OUT

It stays as it is, so that figures of different days can be compared.
"""

import argparse
from collections import Counter
from itertools import combinations
from pathlib import Path

import networkx as nx
import polars as pl
from recipe_input import SMALLEST_RING, read_keys, write_rings


def project(keys: pl.DataFrame) -> "nx.Graph[str]":
    """Buyers linked by the number of keys they share."""
    holders = keys.group_by("key").agg("buyer_id")["buyer_id"]
    weights: Counter[tuple[str, str]] = Counter()
    for buyers in holders:
        weights.update(combinations(sorted(buyers), 2))
    graph: nx.Graph[str] = nx.Graph()
    graph.add_weighted_edges_from((one, other, weight) for (one, other), weight in weights.items())
    return graph


def main() -> None:
    """Read the arguments, find communities, write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with claims.parquet or claims.csv")
    parser.add_argument("out", type=Path, help="folder for rings.csv and members.csv")
    asked = parser.parse_args()
    communities = nx.community.louvain_communities(project(read_keys(asked.data)), weight="weight", seed=1)
    write_rings(asked.out, [list(ring) for ring in communities if len(ring) >= SMALLEST_RING])


if __name__ == "__main__":
    main()
