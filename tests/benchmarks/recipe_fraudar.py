"""Greedy peeling as in FRAUDAR (Hooi et al., KDD 2016) of buyers against merchants.

    python tests/benchmarks/recipe_fraudar.py DATA OUT --blocks 10

An edge is a buyer who claimed at a merchant, and weighs 1 / ln(d + 5), d being the buyers of that merchant:
popular merchants count less. The node with the least weight is removed, again and again; the densest stage
(weight over nodes) is the block.
The edges of a block are taken out before the next is searched. The paper leaves open how many blocks to
take; one is the default. It stays as it is, so that figures of different days can be compared.
"""

import argparse
import heapq
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from recipe_input import SMALLEST_RING, scan_claims, write_rings, write_scores

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Peeling:
    """What remains at the densest stage, and how dense it was around each node."""

    row: NDArray[np.bool_]
    """bool[n], rows of the densest stage."""
    column: NDArray[np.bool_]
    """bool[m], columns of the densest stage."""
    density: float
    """Weight of the edges of that stage over its nodes."""
    row_score: Floats
    """float64[n], the highest density of any stage that a row was part of."""


def peel(row: Ints, column: Ints, rows: int, columns: int) -> Peeling:
    """Peel the distinct edges (`row`, `column`, int64[e]) by the lowest weight, ties by position.

    Nodes without an edge are no part of any stage.
    """
    weight = 1.0 / np.log(np.bincount(column, minlength=columns) + 5.0)
    ends = np.concatenate([row, column + rows])
    other = np.concatenate([column + rows, row])[np.argsort(ends, kind="stable")]
    degree = np.bincount(ends, minlength=rows + columns)
    starts = np.concatenate([[0], np.cumsum(degree)]).tolist()
    neighbours = other.tolist()
    loss = np.concatenate([np.bincount(row, weight[column], rows), degree[rows:] * weight]).tolist()
    edge_weight = weight.tolist()
    is_left = (degree > 0).tolist()
    left = sum(is_left)
    total = float(weight[column].sum())
    heap = [(loss[node], node) for node in range(rows + columns) if is_left[node]]
    heapq.heapify(heap)
    removed: list[int] = []
    best, best_at = (total / left if left else 0.0), 0
    score = [0.0] * rows
    while heap:
        value, node = heapq.heappop(heap)
        if not is_left[node] or value != loss[node]:
            continue
        is_left[node] = False
        if node < rows:
            score[node] = best
        removed.append(node)
        left -= 1
        total -= value
        for place in range(starts[node], starts[node + 1]):
            neighbour = neighbours[place]
            if is_left[neighbour]:
                loss[neighbour] -= edge_weight[max(node, neighbour) - rows]
                heapq.heappush(heap, (loss[neighbour], neighbour))
        if left and total / left > best:
            best, best_at = total / left, len(removed)
    kept = np.zeros(rows + columns, np.bool_)
    kept[removed[best_at:]] = True
    return Peeling(kept[:rows], kept[rows:], best, np.array(score))


def peel_blocks(edges: pl.DataFrame, blocks: int) -> tuple[list[list[str]], pl.DataFrame]:
    """Rows of up to `blocks` blocks, and all buyers with their scores in the first peeling.

    `edges`: buyer_id, merchant_id, distinct.
    """
    buyers, merchants = edges["buyer_id"].unique().sort(), edges["merchant_id"].unique().sort()
    row = _positions(edges["buyer_id"], buyers)
    column = _positions(edges["merchant_id"], merchants)
    found: list[list[str]] = []
    scores = np.zeros(len(buyers))
    for block in range(blocks):
        if not len(row):
            break
        peeling = peel(row, column, len(buyers), len(merchants))
        if block == 0:
            scores = peeling.row_score
        found.append(buyers.filter(pl.Series(peeling.row)).to_list())
        is_inside = peeling.row[row] & peeling.column[column]
        row, column = row[~is_inside], column[~is_inside]
    return found, pl.DataFrame({"buyer_id": buyers, "score": scores})


def _positions(values: pl.Series, sorted_names: pl.Series) -> Ints:
    """int64[e], the place of each of `values` among the names."""
    places: Ints = sorted_names.search_sorted(values).to_numpy().astype(np.int64)
    return places


def read_edges(folder: Path) -> pl.DataFrame:
    """Distinct (buyer_id, merchant_id) of the claims in `folder`, in a fixed order."""
    pairs = scan_claims(folder).select(pl.col("buyer_id", "merchant_id").cast(pl.String)).unique()
    return pairs.sort("buyer_id", "merchant_id").collect()


def main() -> None:
    """Read the arguments, peel, write the blocks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with claims.parquet or claims.csv")
    parser.add_argument("out", type=Path, help="folder for rings.csv, members.csv and buyers.csv")
    parser.add_argument("--blocks", type=int, default=1, help="blocks to take out (default 1)")
    asked = parser.parse_args()
    blocks, scores = peel_blocks(read_edges(asked.data), asked.blocks)
    write_rings(asked.out, [block for block in blocks if len(block) >= SMALLEST_RING])
    write_scores(asked.out, scores)


if __name__ == "__main__":
    main()
