"""One list of rings from the candidates of all methods; a buyer is in one ring."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ringfence.detection.acceptance import of_two_occasions, pieces, strongest_share
from ringfence.detection.candidates import Candidate, Proposals, strongest_first
from ringfence.detection.fusion.bound import bounded, meeting_enough, with_sure
from ringfence.detection.fusion.homes import among_homes
from ringfence.detection.fusion.own_part import with_own_part
from ringfence.detection.fusion.parts import cut_along
from ringfence.detection.fusion.settle import FEWEST, group_decades, members_scores, settle, widen
from ringfence.detection.methods.blocks.block import Block
from ringfence.detection.methods.blocks.graph import CellGraph
from ringfence.detection.methods.blocks.judge import dominant_merchant
from ringfence.detection.methods.coincidence.growth import scratch
from ringfence.detection.methods.identifiers.associates import associates
from ringfence.detection.methods.waves.calendar import is_subscription
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.soundness import refusal
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Progress
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs

_INSIDE = 0.5
"""A ring with this share of its members in a block explains the same claims."""
_KEPT_EVIDENCE = 0.5
"""A block must keep this share of the evidence of the rings that it replaces."""


def fuse(
    prepared: Prepared,
    parameters: Parameters,
    graph: CellGraph,
    grown: Proposals,
    blocks: Sequence[tuple[Candidate, Block]],
    groups: Proposals,
    waves: Proposals,
    progress: Progress,
) -> Proposals:
    """Fuse rings `grown` from pairs, dense `blocks`, `groups` sharing identifiers and `waves` into one list.

    A block takes in the rings half inside it and is judged again, by what joins a ring; if it is refused they
    stay as they were. Members of identifier groups join the ring most of them are in; waves at one merchant
    are rings of those who are in no other. Then rarely present members leave, large uneven rings are divided,
    every ring is split into what joint events connect, and associates are named.
    """
    progress.stage("fusing candidates")
    fusion = _Fusion(prepared, parameters, graph, grown)
    for candidate, block in blocks:
        fusion.take_block(candidate, block)
    for group in groups.rings:
        fusion.take_group(group)
    for wave in waves.rings:
        fusion.take_wave(wave)
    fusion.leads += groups.leads + waves.leads
    return fusion.end()


class _Fusion:
    """The list as it grows; a buyer is in one ring."""

    def __init__(
        self, prepared: Prepared, parameters: Parameters, graph: CellGraph, grown: Proposals
    ) -> None:
        self.prepared, self.parameters, self.graph = prepared, parameters, graph
        self.rings: list[Candidate | None] = list(grown.rings)
        """None where a block replaced the ring."""
        self.leads = list(grown.leads)
        self.ring_of = np.full(prepared.buyers, -1, np.int64)
        self.closed = np.zeros(prepared.buyers, np.bool_)
        """bool[n], members of rings that no further block may take in."""
        self.space = scratch(prepared.buyers)
        for i, ring in enumerate(grown.rings):
            self.ring_of[ring.members] = i

    def take_block(self, candidate: Candidate, block: Block) -> None:
        """Settle a block, together with the rings inside it, and keep what stands."""
        if dominant_merchant(self.graph, block.rows, block.columns)[1] >= (
            self.parameters.fusion.one_merchant_share
        ):
            return
        free = block.rows[~self.closed[block.rows]]
        if len(free) < FEWEST:
            return
        inside = self._rings_inside(block.rows)
        parts = [free]
        if len(inside) > 1:
            parts = cut_along(self.graph, block, [self._members(i) for i in inside], free)
        for part in parts:
            self._settle(candidate, part, self._rings_inside(part))

    def take_group(self, group: Candidate) -> None:
        """Add a group to the ring most of its members are in, or keep it as a ring."""
        of = self.ring_of[group.members]
        new = group.members[of < 0]
        if (of >= 0).any():
            at = int(np.bincount(of[of >= 0]).argmax())
            ring = self.rings[at]
            if ring is not None and len(new):
                self.rings[at] = replace(ring, members=np.union1d(ring.members, new).astype(np.int64))
                self.ring_of[new] = at
            return
        members = widen(self.prepared, self.parameters, group.members, self.ring_of >= 0, self.space)
        self._keep(replace(group, members=members))

    def take_wave(self, wave: Candidate) -> None:
        """Keep waves at one merchant as a ring, unless half of the members are in others."""
        free = wave.members[self.ring_of[wave.members] < 0]
        if 2 * len(free) > len(wave.members):
            self._keep(replace(wave, members=free))

    def end(self) -> Proposals:
        """Judge the list as a whole."""
        prepared, parameters, graph = self.prepared, self.parameters, self.graph
        kept: list[Candidate] = []
        for ring in self.rings:
            if ring is None:
                continue
            if self._subscribes(ring):
                self.leads.append(replace(ring, refusal=LeadKind.SHARED_SHOPPING))
                continue
            present = meeting_enough(prepared, parameters, graph, ring, self.space)
            for part in bounded(prepared, parameters, graph, present, self.space):
                for sound in self._sound(part):
                    kept += self._with_own_part(sound)
        kept = strongest_first(kept)
        near = associates(prepared, kept, parameters.identifiers)
        kept = [
            replace(ring, associates=np.setdiff1d(np.union1d(ring.associates, own), ring.members))
            for ring, own in zip(kept, near, strict=True)
        ]
        return Proposals(kept, strongest_first(self.leads))

    def _subscribes(self, ring: Candidate) -> bool:
        """Say whether three or more met on the dates of subscription boxes."""
        return (
            ring.method is not DetectionMethod.WAVES
            and len(ring.members) >= FEWEST
            and is_subscription(self.prepared, ring.members)
        )

    def _settle(self, candidate: Candidate, part: Longs, inside: list[int]) -> None:
        """Settle a part of a block with the rings `inside` it; these are replaced if the outcome stands."""
        prepared, parameters = self.prepared, self.parameters
        taken = self.ring_of >= 0
        old = [ring for i in inside if (ring := self.rings[i]) is not None]
        sure = np.concatenate([np.empty(0, np.int64), *(ring.members for ring in old)])
        taken[sure] = False
        members, scores = settle(prepared, parameters, part, sure, taken, self.space)
        if len(members) < FEWEST:
            return
        decades = group_decades(scores)
        rest = 1.0 - strongest_share(prepared.timeline, prepared.yardstick, members)
        evidence = sum(ring.score for ring in old)
        if decades * rest < parameters.ring_score or (old and decades < _KEPT_EVIDENCE * evidence):
            return
        members = with_sure(parameters, self.graph, members, sure)
        if old:
            best = max(old, key=lambda ring: ring.score)
            homes = sum(ring.among or 0.0 for ring in old) if best.shares else best.among
            merged = Candidate(
                members,
                max([decades, *(ring.score for ring in old)]),
                DetectionMethod.BLOCKS,
                best.shares,
                homes,
            )
        else:
            shares, homes = among_homes(prepared, members)
            merged = replace(candidate, members=members, score=decades, shares=shares, among=homes)
        leads = len(self.leads)
        stands = self._sound(merged)
        if not stands or (old and sum(len(ring.members) for ring in stands) < len(sure)):
            if old:
                del self.leads[leads:]  # its rings stay as they are
            return
        for i in inside:
            self.rings[i] = None
        self.ring_of[sure] = -1
        for ring in stands:
            self._keep(ring)

    def _sound(self, candidate: Candidate) -> list[Candidate]:
        """Give the connected pieces of a candidate that are rings; keep the others as leads."""
        prepared, parameters = self.prepared, self.parameters
        out = []
        if candidate.method is DetectionMethod.WAVES:
            return [candidate]
        for part in pieces(prepared.timeline, prepared.yardstick, candidate.members):
            piece = replace(candidate, members=part)
            if len(part) < len(candidate.members):
                is_main = 2 * len(part) > len(candidate.members)
                if not is_main and (len(part) < FEWEST or candidate.method is DetectionMethod.IDENTIFIERS):
                    continue
                decades = group_decades(members_scores(prepared, part, self.space))
                piece = replace(piece, score=min(candidate.score, decades))
                if is_main and candidate.method is DetectionMethod.IDENTIFIERS:
                    piece = replace(piece, score=candidate.score)
            why_not = refusal(piece, prepared, parameters)
            core = self._often_together(piece) if why_not is LeadKind.ONE_OCCASION else None
            if core is not None and (stands := self._sound(core)):
                out += stands
            elif why_not is None:
                out.append(piece)
            elif piece.score >= parameters.ring_score:
                self.leads.append(replace(piece, refusal=why_not))
        return out

    def _often_together(self, candidate: Candidate) -> Candidate | None:
        """Give the members who were with the others twice, judged among themselves; None where too few were.

        Accounts used once, at one hit each, would otherwise hide a ring among them.
        """
        prepared = self.prepared
        members = candidate.members[
            of_two_occasions(prepared.timeline, prepared.yardstick, candidate.members)
        ]
        if len(members) < FEWEST:
            return None
        decades = group_decades(members_scores(prepared, members, self.space))
        return replace(candidate, members=members, score=min(candidate.score, decades))

    def _with_own_part(self, ring: Candidate) -> list[Candidate]:
        """Give what stands of a ring without members whom others could have put there; else keep a lead."""
        members, near = with_own_part(self.prepared, ring, self.space)
        if len(members) == len(ring.members):
            return [ring]
        stands = []
        if len(members) >= 2:
            share = ring.score * len(members) / len(ring.members)
            if ring.method is not DetectionMethod.IDENTIFIERS:
                share = min(ring.score, group_decades(members_scores(self.prepared, members, self.space)))
            rest = replace(ring, members=members, score=share, associates=near)
            stands = [own for sound in self._sound(rest) for own in self._with_own_part(sound)]
        if not stands:
            self.leads.append(replace(ring, refusal=LeadKind.ONE_OCCASION))
        return stands

    def _keep(self, ring: Candidate) -> None:
        self.ring_of[ring.members] = len(self.rings)
        self.closed[ring.members] = True
        self.rings.append(ring)

    def _members(self, i: int) -> Longs:
        ring = self.rings[i]
        return np.empty(0, np.int64) if ring is None else ring.members

    def _rings_inside(self, members: Longs) -> list[int]:
        """List the rings grown from pairs with half their members or more among `members`."""
        of = self.ring_of[members]
        found = np.unique(of[of >= 0], return_counts=True)
        return [
            i
            for i, count in zip(*(column.tolist() for column in found), strict=True)
            if (ring := self.rings[i]) is not None
            and ring.method is DetectionMethod.COINCIDENCE
            and count >= _INSIDE * len(ring.members)
        ]
