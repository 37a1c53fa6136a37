"""The search for dense blocks: seeds in, judged blocks out."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from ringfence.detection.methods.blocks.block import Block, block_around
from ringfence.detection.methods.blocks.divide import split
from ringfence.detection.methods.blocks.graph import CellGraph, copied, hide, rewired, show
from ringfence.detection.methods.blocks.membership import sides
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.blocks.peel import Peeling, Seed, seed_from, seed_inside
from ringfence.market import Longs

_REWIRINGS, _CHANCE_BLOCKS, _ANY_GAIN = 4, 2, 1e-9
"""Rewired graphs that are searched, the most blocks sought in each, and the gain per log that they need."""
_KEPT_GAIN = 0.8
"""A block whose members were sought again may have lost this much of its gain and is still the better one."""


def find_blocks(graph: CellGraph, starts: Iterable[Longs], parameters: BlockParameters) -> list[Block]:
    """Find the dense blocks of `graph`, the largest gain first.

    Sought from `starts` (members of small groups, the most promising first), then from what peeling finds,
    then, if the parameters say so, from singular vectors. A block's edges are hidden before the next is
    sought; `graph` itself is not changed.

    A random graph has dense corners too, and degrees outside a corner are small because it was chosen. So a
    block must have a surplus over whole degrees or, if the parameters allow it, gain far more than the same
    search finds in rewired graphs.
    """
    search = _Search(graph, parameters)
    for members in starts:
        seed = seed_from(search.left, members)
        if seed is not None:
            search.try_seed(seed)
    for _ in range(parameters.most_peeled):
        if not search.try_peeling() and not search.try_singular_vectors():
            break
    found = [part for block in search.found for part in search.parts(block)]
    return sorted(found, key=lambda block: (-block.judgement.gain, block.rows.tolist()))


class _Search:
    """Blocks found so far, and the graph without their edges."""

    def __init__(
        self, graph: CellGraph, parameters: BlockParameters, chance_gain: float | None = None
    ) -> None:
        self._graph = graph
        self._chance_gain = chance_gain
        self.left = copied(graph)
        self.found: list[Block] = []
        self._parameters = parameters
        self._space = sides(self.left)
        self._widest: Seed | None = None

    def try_seed(self, seed: Seed) -> bool:
        """Keep the blocks that `seed` leads to and hide their edges; says whether there are any."""
        return self._keep(self._blocks_from(seed))

    def try_peeling(self) -> bool:
        """Try up to `peels` seeds, each without what became of those before."""
        peeling = Peeling(self.left, self._parameters)
        for _ in range(self._parameters.peels):
            seed = peeling.seed()
            if seed is None:
                break
            if self.try_seed(seed):
                return True
            peeling.cover(*seed)
            if self._widest is not None:
                peeling.cover(*self._widest)
        return False

    def try_singular_vectors(self) -> bool:
        """Try both ends of the first singular vectors and keep what gains most."""
        best: list[Block] = []
        most = 0.0
        for seed in _singular_seeds(self.left, self._parameters.singular_vectors):
            blocks = self._blocks_from(seed)
            gain = sum(block.judgement.gain for block in blocks)
            if gain > most:
                best, most = blocks, gain
        return self._keep(best)

    def parts(self, block: Block) -> list[Block]:
        """Give what `block` is made of, members sought again among the edges that no other block explains.

        A part has a density of its own, and a block was found before those after it were.
        """
        whole = show(self.left, block.rows, block.columns)
        out = []
        for part in split(whole, block):
            again = block_around(whole, self._space, (part.rows, part.columns), self._parameters)
            is_better = (
                again is not None
                and again.judgement.gain >= _KEPT_GAIN * part.judgement.gain
                and self._passes(again)
            )
            out.append(again if is_better and again is not None else part)
        self.left = hide(whole, block.rows, block.columns)
        return out

    def _keep(self, blocks: list[Block]) -> bool:
        for block in blocks:
            self.left = hide(self.left, block.rows, block.columns)
        self.found += blocks
        return bool(blocks)

    def _blocks_from(self, seed: Seed) -> list[Block]:
        """Give the block around `seed`, or one peeled out of it, or those of its parts that can stand."""
        self._widest = None
        block = block_around(self.left, self._space, seed, self._parameters)
        if block is None:
            return []
        self._widest = block.rows, block.columns
        if self._passes(block):
            return [block]
        inner = seed_inside(self.left, block.rows, block.columns, self._parameters)
        if inner is not None:
            narrow = block_around(self.left, self._space, inner, self._parameters)
            if narrow is not None and self._passes(narrow):
                return [narrow]
        if not block.judgement.gains_enough(self.left, self._parameters):
            return []
        return [part for part in split(self.left, block) if self._passes(part)]

    def _passes(self, block: Block) -> bool:
        judgement, parameters = block.judgement, self._parameters
        if not judgement.gains_enough(self._graph, parameters) or not judgement.is_uniform(parameters):
            return False
        if parameters.needs_surplus or judgement.surplus > 0:
            return judgement.surplus > 0
        return judgement.gain >= parameters.chance_factor * self._by_chance()

    def _by_chance(self) -> float:
        """Give the largest gain that searching rewired graphs finds; sought when first needed."""
        if self._chance_gain is None:
            modest = replace(self._parameters, gain_per_log=_ANY_GAIN)
            gains = [0.0]
            for seed in range(_REWIRINGS):
                chance = _Search(rewired(self._graph, seed), modest, chance_gain=0.0)
                for _ in range(_CHANCE_BLOCKS):
                    if not chance.try_peeling() and not chance.try_singular_vectors():
                        break
                gains += [block.judgement.gain for block in chance.found]
            self._chance_gain = max(gains)
        return self._chance_gain


def _singular_seeds(graph: CellGraph, vectors: int) -> Iterator[Seed]:
    """Give what lies a deviation out at either end of each singular vector, the largest value first.

    Of the adjacency with both sides divided by the root of degree plus mean degree; live edges only.
    """
    rows, columns = len(graph.row_start) - 1, len(graph.column_start) - 1
    vectors = min(vectors, min(rows, columns) - 1)
    row = np.repeat(np.arange(rows), np.diff(graph.row_start))[graph.row_live]
    column = graph.row_column[graph.row_live]
    if vectors < 1 or len(row) == 0:
        return
    of_row, of_column = np.bincount(row, minlength=rows), np.bincount(column, minlength=columns)
    root_row, root_column = np.sqrt(of_row + of_row.mean()), np.sqrt(of_column + of_column.mean())
    scaled = csr_matrix((1.0 / (root_row[row] * root_column[column]), (row, column)), (rows, columns))
    left, values, right = svds(scaled, k=vectors, v0=np.ones(min(rows, columns)))
    for vector in np.argsort(-values):
        for sign in (1.0, -1.0):
            x, y = sign * left[:, vector] / root_row, sign * right[vector] / root_column
            seed = np.flatnonzero(x > x.std()), np.flatnonzero(y > y.std())
            if len(seed[0]) and len(seed[1]):
                yield seed
