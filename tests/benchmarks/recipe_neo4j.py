"""Shared identifiers as in Neo4j's tutorials for fraud by shared personal data, without a server.

    python tests/benchmarks/recipe_neo4j.py DATA OUT

The steps of those tutorials with the Graph Data Science library: weakly connected components of buyers and
the identifiers they share are groups; inside them buyers are linked to the 15 most similar (Jaccard index of
their identifiers); the sum of a buyer's similarities is the score. Components too large to be a group are
divided by Louvain on the similarities. Merchants and times are not looked at. It stays as it is, so that
figures of different days can be compared.
"""

import argparse
from pathlib import Path

import networkx as nx
import polars as pl
from recipe_input import (
    KINDS,
    MOST_BUYERS,
    SMALLEST_RING,
    identifier_keys,
    scan_claims,
    write_rings,
    write_scores,
)

ALL_KINDS = (*KINDS, "phone", "email")
LINKS_KEPT = 15
LARGEST_COMPONENT = 100


def read_identifiers(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All buyers of the claims, and their distinct (key, buyer_id)."""
    claims = scan_claims(folder)
    buyers = claims.select("buyer_id").unique().sort("buyer_id").collect()
    kinds = identifier_keys(claims, ALL_KINDS)
    if not kinds:
        return buyers, pl.DataFrame(schema={"key": pl.String, "buyer_id": buyers.schema["buyer_id"]})
    return buyers, pl.concat(kinds).unique().sort("key", "buyer_id").collect()


def shared_keys(keys: pl.DataFrame) -> pl.DataFrame:
    """Those of `keys` that some buyers share, but not too many."""
    holders = pl.len().over("key")
    return keys.filter((holders >= 2) & (holders <= MOST_BUYERS))


def link_similar(keys: pl.DataFrame) -> pl.DataFrame:
    """buyer_id, other, similarity: the most similar others of each buyer.

    Similarity is the Jaccard index of two buyers' identifiers, those included that nobody shares.
    """
    owned = keys.group_by("buyer_id").agg(owned=pl.len().cast(pl.Float64))
    shared = shared_keys(keys)
    pairs = (
        shared.join(shared.rename({"buyer_id": "other"}), on="key")
        .filter(pl.col("buyer_id") != pl.col("other"))
        .group_by("buyer_id", "other")
        .agg(common=pl.len().cast(pl.Float64))
        .join(owned, on="buyer_id")
        .join(owned.rename({"buyer_id": "other", "owned": "others"}), on="other")
    )
    similarity = pl.col("common") / (pl.col("owned") + pl.col("others") - pl.col("common"))
    links = pairs.select("buyer_id", "other", similarity=similarity)
    ordered = links.sort("buyer_id", "similarity", "other", descending=[False, True, False])
    return ordered.group_by("buyer_id", maintain_order=True).head(LINKS_KEPT)


def find_groups(keys: pl.DataFrame, links: pl.DataFrame) -> list[list[str]]:
    """Components of buyers that share identifiers, the large ones divided."""
    sharing: nx.Graph[tuple[str, str]] = nx.Graph()
    sharing.add_edges_from((("key", key), ("buyer", buyer)) for key, buyer in shared_keys(keys).iter_rows())
    similar: nx.Graph[str] = nx.Graph()
    similar.add_weighted_edges_from(links.iter_rows())
    groups: list[list[str]] = []
    for component in nx.connected_components(sharing):
        buyers = sorted(name for kind, name in component if kind == "buyer")
        if len(buyers) <= LARGEST_COMPONENT:
            groups.append(buyers)
            continue
        inside: nx.Graph[str] = nx.Graph()
        inside.add_nodes_from(buyers)
        inside.add_edges_from(
            (one, other, similar[one][other]) for one, other in similar.subgraph(buyers).edges()
        )
        groups += [sorted(part) for part in nx.community.louvain_communities(inside, "weight", seed=1)]
    return groups


def main() -> None:
    """Read the arguments, group, write groups and scores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with claims.parquet or claims.csv")
    parser.add_argument("out", type=Path, help="folder for rings.csv, members.csv and buyers.csv")
    asked = parser.parse_args()
    buyers, keys = read_identifiers(asked.data)
    links = link_similar(keys)
    write_rings(asked.out, [group for group in find_groups(keys, links) if len(group) >= SMALLEST_RING])
    degree = links.group_by("buyer_id").agg(score=pl.col("similarity").sum())
    write_scores(
        asked.out, buyers.join(degree, on="buyer_id", how="left").with_columns(pl.col("score").fill_null(0.0))
    )


if __name__ == "__main__":
    main()
