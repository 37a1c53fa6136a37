"""Methods of detection on their own, in this process: who do they accuse without the rest of the product?"""

from collections.abc import Callable

import numpy as np
import polars as pl
from detectors import Marketplace
from numpy.typing import NDArray

from ringfence.detection.cells import cut_cells
from ringfence.detection.methods.blocks.graph import cell_graph
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.blocks.search import find_blocks
from ringfence.detection.methods.structure.candidates import find_structure
from ringfence.detection.methods.structure.parameters import StructureParameters
from ringfence.detection.timeline import Timeline, lay_out
from ringfence.market import Claims


def accuse_by_structure(market: Marketplace) -> pl.DataFrame:
    """Accuse by which buyers claimed against which merchants, without times: ring_id, buyer_id."""
    buyers, timeline = timeline_of(market)
    found = find_structure(timeline, StructureParameters())
    return _accused(buyers, [candidate.members for candidate in found.candidates])


def accuse_by_blocks(market: Marketplace) -> pl.DataFrame:
    """Accuse the members of dense blocks of (buyer x cell), judged by nothing else: ring_id, buyer_id."""
    buyers, timeline = timeline_of(market)
    parameters = BlockParameters()
    graph = cell_graph(timeline, cut_cells(timeline, parameters), parameters, times_tell=True)
    return _accused(buyers, [block.rows for block in find_blocks(graph, (), parameters)])


METHODS: dict[str, Callable[[Marketplace], pl.DataFrame]] = {
    "structure": accuse_by_structure,
    "blocks": accuse_by_blocks,
}


def timeline_of(market: Marketplace) -> tuple[pl.Series, Timeline]:
    """Lay the claims of `market` out: the buyers' ids in the order of their numbers, and the timeline."""
    claims = market.claims.select(
        "claim_id",
        "buyer_id",
        buyer=pl.col("buyer_id").rank("dense").cast(pl.Int32) - 1,
        merchant=pl.col("merchant_id").rank("dense").cast(pl.Int32) - 1,
        filed_at=pl.col("filed_at").cast(pl.Int64),
    ).sort("merchant", "filed_at", "buyer")
    buyers = claims["buyer_id"].unique().sort()
    merchants = int(claims["merchant"].n_unique())
    columns = Claims(
        claim_id=claims["claim_id"],
        buyer=claims["buyer"].to_numpy().astype(np.int32),
        merchant=claims["merchant"].to_numpy().astype(np.int32),
        filed_at=claims["filed_at"].to_numpy().astype(np.int64),
        amount=np.zeros(len(claims), np.int64),
        currency=np.zeros(len(claims), np.int16),
    )
    return buyers, lay_out(columns, len(buyers), merchants, 0.0)


def _accused(buyers: pl.Series, groups: list[NDArray[np.int64]]) -> pl.DataFrame:
    members = np.concatenate(groups) if groups else np.empty(0, np.int64)
    rings = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return pl.DataFrame({"ring_id": pl.Series(rings).cast(pl.String), "buyer_id": buyers.gather(members)})
