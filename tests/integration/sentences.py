"""Every sentence of a run, read by one expression a form, with its numbers worked out again from the rows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

import numpy as np
import polars as pl
from occasions_by_hand import Occasions

from ringfence.detection.doors import doors
from ringfence.domain.identifiers import IdentifierKind
from ringfence.market import Market
from ringfence.market.claimants import of_claimants

NUMBER = r"\d+(?:\.\d+)?"
TIME = rf"{NUMBER} (?:days|day|h|min)"
KINDS = "|".join(kind.value for kind in IdentifierKind)
WHO = "(?:members|buyers)"
SHARED = (
    r"(?:they share no identifier|they share (?P<shared>an? .+?)"
    r"(?:, and in all (?P<sharers>\d+) of them share an identifier with another)?)"
)
END = rf"\. Evidence: (?P<score>-?{NUMBER}) decades\."
SPREAD = (
    rf"(?:: half of the (?:event|wave)s lie within (?P<half>{TIME}), the longest takes (?P<longest>{TIME})"
    rf"|, which takes (?P<only>{TIME}))"
)
FORMS: dict[str, str] = {
    "together": rf"(?P<size>\d+) buyers? filed (?P<claims>\d+) claims? together against (?P<merchants>\d+) "
    rf"merchants? in (?P<events>\d+) joint events? \((?P<occasions>\d+) separate occasions?\){SPREAD}; "
    rf"chance would put (?P<middle>{NUMBER}) strangers' claims as near as the median one"
    rf"(?:; half of the {WHO} were in (?P<attended>{NUMBER}) of the events or more"
    rf"|; they were compared because they share an identifier)?; {SHARED}{END}",
    "waves": rf"(?P<size>\d+) buyers? filed (?P<claims>\d+) claims? together in (?P<events>\d+) waves? at "
    rf"one merchant, (?P<merchant>.+) \((?P<occasions>\d+) separate occasions?\){SPREAD}; chance would put "
    rf"(?P<middle>{NUMBER}) other {WHO} into the wave of the median claim; {SHARED}{END}",
    "structure": rf"(?P<size>\d+) buyers? filed (?P<claims>\d+) claims? against (?P<merchants>\d+) "
    rf"merchants? that others of them claimed against; chance would put (?P<middle>{NUMBER}) other "
    rf"{WHO} where the median claim is; {SHARED}{END}",
    "associates": rf"(?P<clauses>\d+ .+ buyers who claim hold it in all\)); the rarest of these is held by "
    rf"(?P<rarest>\d+) of (?P<claimants>\d+) buyers who claim{END}",
    "member": rf"(?P<own>\d+) of this buyer's (?P<filed>\d+) claims? lies? in the (?:ring|lead)'s joint "
    rf"events, at (?P<at>\d+) of its (?P<merchants>\d+) merchants?, on (?P<occasions>\d+) separate occasions?"
    rf"(?:; for the median one, chance would put (?P<middle>{NUMBER}) strangers' claims as near)?"
    rf"(?:; shares (?P<with>an? .+?))?\.",
    "member of waves": rf"(?P<own>\d+) of this buyer's (?P<filed>\d+) claims? lies? in (?P<attended>\d+) of "
    rf"the (?:ring|lead)'s (?P<events>\d+) waves?, on (?P<occasions>\d+) separate occasions?"
    rf"(?:; for the median one, chance would put (?P<middle>{NUMBER}) other {WHO} there)?"
    rf"(?:; shares (?P<with>an? .+?))?\.",
    "member without times": rf"(?P<own>\d+) of this buyer's (?P<filed>\d+) claims? lies? at (?P<at>\d+) of "
    rf"the (?P<merchants>\d+) merchants? that its {WHO} have in common"
    rf"(?:; for the median one, chance would put (?P<middle>{NUMBER}) other {WHO} there)?"
    rf"(?:; shares (?P<with>an? .+?))?\.",
    "associate": r"Shares (?P<with>an? .+ of ring (?P<ring>\S+) \(.+\))\.",
    "link": rf"Claims at (?P<merchants>\d+) merchants? together, on (?P<occasions>\d+) separate occasions?: "
    rf"(?P<named>.+?)(?: and at (?P<more>\d+) more)?(?:; both use (?P<both>an? .+?)|; nothing shared){END}",
}
"""One expression a form; a sentence that none of them matches is an error."""
_SHARED_IN = re.compile(rf"an? ({KINDS}) \((\d+) of them, held by (\d+) buyers who claim\)")
_SHARED_WITH = {
    "ring": re.compile(rf"an? ({KINDS}) with (\d+) members? \(held by (\d+) buyers who claim\)"),
    "lead": re.compile(rf"an? ({KINDS}) with (\d+) others? of the lead \(held by (\d+) buyers who claim\)"),
}
_SHARED_WITH_RING = re.compile(
    rf"an? ({KINDS}) with (\d+) of the \d+ members of ring \S+ \((\d+) buyers who claim hold it in all\)"
)
_CLAUSE = re.compile(
    r"(?:(?P<all>\d+) buyers?|(?P<some>\d+) of (?:the )?(?P<of>\d+)(?: buyers)?|the same buyer) "
    rf"(?P<verb>shares?) an? (?P<kind>{KINDS}) with (?P<inside>\d+) of the (?:(?P<members>\d+) )?members"
    r"(?: of ring (?P<ring>\S+))? \((?P<holders>\d+) buyers who claim hold it in all\)"
)
_BOTH_USE = re.compile(rf"an? ({KINDS}) held by (\d+) buyers who claim")
_NAMED = re.compile(rf"(\S+) and (\S+) at (\S+) within ({TIME}) \(({NUMBER}) strangers expected as near\)")
_UNITS = {
    "days": timedelta(days=1),
    "day": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
}
_HUB = 500
_WHY_NOT = re.compile(
    rf"Not a ring: (?:[^0-9]+|up to {NUMBER}% of what a (?:club|household) orders together may "
    rf"be bad, and given that), "
    rf"(?:(?P<left>{NUMBER}) decades are left; a ring needs (?P<needed>{NUMBER})\."
    rf"|nothing is left of the evidence; a ring needs {NUMBER} decades\.)"
    rf"|Not a ring: no orders are known, and {NUMBER} decades are less than the {NUMBER} that buyers who "
    r"share an identifier need then\."
    rf"|Not a ring: no orders are known, [^0-9]+ by only (?P<closer>{NUMBER}) decades; a ring needs "
    rf"(?P<habit>{NUMBER})\."
    r"|Not a ring: a marketplace of this shape without rings shows as strong a group with a chance of "
    rf"(?P<chance>{NUMBER}), more than the (?P<highest>{NUMBER}) that a ring may have\."
    rf"|Not a ring: (?P<often>\d+|none) of these (?P<buyers>\d+) buyers ha(?:s|ve) joint claims at two "
    r"merchants on two separate occasions; a ring needs (?P<enough>\d+) who do\."
    r"|Not a ring: [^0-9]+\."
    r"|Not members of the ring: [^0-9]+\."
)


def read(sentence: str, *forms: str) -> tuple[str, dict[str, str]]:
    """The form of a sentence, one of `forms`, and what it says; AssertionError for an unknown form."""
    for form in forms:
        if (match := re.fullmatch(FORMS[form], sentence)) is not None:
            return form, {name: said for name, said in match.groupdict().items() if said is not None}
    raise AssertionError(f"no form reads: {sentence}")


def is_rounded(text: str, value: float) -> bool:
    """Say whether `text` is `value` to the digits it has."""
    digits = len(text.partition(".")[2])
    return abs(float(text) - value) <= 0.5 * 10.0**-digits + 1e-9


def span(text: str) -> tuple[timedelta, timedelta]:
    """A time, and the step to which it is rounded."""
    number, unit = text.split(" ")
    return float(number) * _UNITS[unit], _UNITS[unit] / (1 if unit == "min" else 10)


def is_at_most(text: str, value: timedelta) -> bool:
    """Say whether `text` is `value` rounded up."""
    told, step = span(text)
    shortest = max(value, timedelta(minutes=1))
    return shortest - timedelta(seconds=1) <= told < shortest + step + timedelta(seconds=1)


def is_about(text: str, value: timedelta) -> bool:
    """Say whether `text` is `value` rounded."""
    told, step = span(text)
    return abs(told - max(value, timedelta(minutes=1))) <= step / 2 + timedelta(seconds=1)


@dataclass(frozen=True, eq=False)
class Holders:
    """Who among the buyers who claim holds which value, by kind; addresses as doors."""

    of_kind: Mapping[str, list[frozenset[str]]]

    @classmethod
    def of(cls, market: Market) -> "Holders":
        """Read them from what intake made of the files."""
        market = of_claimants(market)
        kinds: dict[str, list[frozenset[str]]] = {}
        for uses in market.identifiers:
            values = doors(uses)[uses.value] if uses.kind is IdentifierKind.ADDRESS else uses.value
            frame = pl.DataFrame({"value": values, "buyer": market.buyer_ids.gather(uses.buyer)})
            grouped = frame.group_by("value").agg(pl.col("buyer").unique())
            sets = [frozenset(buyers) for buyers in grouped["buyer"].to_list()]
            kinds[uses.kind.value] = [holders for holders in sets if 2 <= len(holders) <= _HUB]
        return cls(kinds)

    def best(self, holders: set[str], group: set[str], least: int) -> dict[str, tuple[int, int]]:
        """Of the values that most of `group` hold, the rarest, by kind: holders inside, and in all."""
        found = {}
        for kind, values in self.of_kind.items():
            offers = [
                (len(value & group), -len(value))
                for value in values
                if value & holders and len(value & group) >= least
            ]
            if offers:
                count, negative = max(offers)
                found[kind] = (count, -negative)
        return found

    def sharers(self, group: set[str]) -> int:
        """How many of `group` share a value with another of it."""
        inside = [value & group for values in self.of_kind.values() for value in values]
        return len(set().union(*(value for value in inside if len(value) >= 2)))


@dataclass(frozen=True, eq=False)
class Published:
    """The tables of a run, and the marketplace behind them."""

    tables: Mapping[str, pl.DataFrame]
    claims: pl.DataFrame
    occasions: Occasions
    holders: Holders
    grain: timedelta = timedelta(0)
    """Times are multiples of this."""

    def check(self) -> dict[str, int]:
        """Work every number of every sentence out again; give how many sentences of each form there were."""
        seen: dict[str, int] = {}
        for form in (*self._groups("ring"), *self._groups("lead"), *map(self._link, self._rows("links"))):
            seen[form] = seen.get(form, 0) + 1
        return seen

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables[table].to_dicts()

    def _groups(self, what: str) -> list[str]:
        prefix = "" if what == "ring" else "lead_"
        forms = []
        for row in self._rows(f"{what}s"):
            of = pl.col(f"{what}_id") == row[f"{what}_id"]
            members = self.tables[f"{prefix}members"].filter(of)
            evidence = self.tables[f"{prefix}evidence"].filter(of)
            forms.append(self._group(row, members, evidence))
            forms += [self._member(member, members, evidence, what) for member in members.to_dicts()]
            said = " ".join([row["why"], *members["why"]])
            if what == "lead":
                self._why_not(row)
                assert row["kind"] == "associates" or "member" not in said, said
            else:
                assert not re.search("(?:other|its|of the) buyers|of the lead", said), said
        return forms

    def _group(self, row: dict[str, Any], members: pl.DataFrame, evidence: pl.DataFrame) -> str:
        form, said = read(row["why"], "together", "waves", "structure", "associates")
        buyers, rows = set(members["buyer_id"]), evidence.filter(~pl.col("weak"))
        assert is_rounded(said["score"], row["score"])
        if form == "associates":
            assert row["size"] == len(buyers)
            self._associates(row, said, buyers)
            return form
        assert int(said["size"]) == row["size"] == len(buyers)
        assert int(said["claims"]) == row["claims"] == len(rows)
        if "merchants" in said:
            assert int(said["merchants"]) == row["merchants"] == rows["merchant_id"].n_unique()
        if "merchant" in said:
            assert {said["merchant"]} == set(rows["merchant_id"])
        assert is_rounded(said["middle"], median(rows["expected"]))
        if form != "structure":
            assert int(said["events"]) == rows["event"].n_unique()
            assert int(said["occasions"]) == row["occasions"] == len(self.occasions.of_group(evidence))
            self._spread(said, rows)
        if "attended" in said:
            attended = rows.group_by("buyer_id").agg(pl.col("event").n_unique())["event"]
            assert float(said["attended"]) == median(attended)
        best = self.holders.best(buyers, buyers, 2)
        assert self._held(said.get("shared", ""), _SHARED_IN) == best
        most, sharers = max((inside for inside, _ in best.values()), default=0), self.holders.sharers(buyers)
        assert int(said.get("sharers", most)) == sharers
        assert "sharers" not in said or sharers > most
        return form

    def _associates(self, row: dict[str, Any], said: dict[str, str], buyers: set[str]) -> None:
        """Count again who of a ring's associates and members hold which value."""
        ring = set(self.tables["members"].filter(pl.col("ring_id") == row["ring_id"])["buyer_id"])
        held: dict[str, tuple[int, int]] = {}
        for place, text in enumerate(said["clauses"].split("; ")):
            clause = _CLAUSE.fullmatch(text)
            assert clause is not None, text
            if place == 0:
                assert (clause["ring"], int(clause["members"])) == (row["ring_id"], len(ring))
            if clause["all"]:
                assert int(clause["all"]) == len(buyers)
            if clause["of"]:
                assert int(clause["of"]) == len(buyers)
            sharing = int(clause["all"] or clause["some"] or 1)
            assert (clause["verb"] == "shares") == (sharing == 1)
            held[clause["kind"]] = (int(clause["inside"]), int(clause["holders"]))
            values = self.holders.of_kind[clause["kind"]]
            assert sharing in {
                len(value & buyers)
                for value in values
                if (len(value & ring), len(value)) == held[clause["kind"]] and value & buyers
            }
        assert held == self.holders.best(buyers, ring, 1)
        assert int(said["rarest"]) == min(holders for _, holders in held.values())
        assert int(said["claimants"]) == self.claims["buyer_id"].n_unique()
        assert np.isclose(row["score"], np.log10(int(said["claimants"]) / int(said["rarest"])))

    def _spread(self, said: dict[str, str], rows: pl.DataFrame) -> None:
        at = pl.col("filed_at")
        took = [
            max(each, self.grain)
            for each in rows.group_by("event").agg(took=at.max() - at.min())["took"].to_list()
        ]
        if "only" in said:
            assert len(took) == 1
            assert is_about(said["only"], took[0])
            return
        longest, _ = span(said["half"])
        assert 2 * sum(each <= longest + timedelta(seconds=1) for each in took) >= len(took)
        assert is_at_most(said["half"], timedelta(seconds=median(each.total_seconds() for each in took)))
        assert is_about(said["longest"], max(took))

    def _member(
        self, member: dict[str, Any], members: pl.DataFrame, evidence: pl.DataFrame, what: str
    ) -> str:
        form, said = read(member["why"], "member", "member of waves", "member without times", "associate")
        buyer, rows = member["buyer_id"], evidence.filter(~pl.col("weak"))
        if form == "associate":
            ring = set(self.tables["members"].filter(pl.col("ring_id") == said["ring"])["buyer_id"])
            told = self._held(said["with"], _SHARED_WITH_RING)
            assert told == self.holders.best({buyer}, ring, 1)
            assert set(re.findall(r"of the (\d+) members", said["with"])) == {str(len(ring))}
            rarest = min(holders for _, holders in told.values())
            assert np.isclose(member["score"], np.log10(self.claims["buyer_id"].n_unique() / rarest))
            return form
        own = rows.filter(pl.col("buyer_id") == buyer)
        assert int(said["own"]) == len(own)
        assert int(said["filed"]) == len(self.claims.filter(pl.col("buyer_id") == buyer))
        if "at" in said:
            assert int(said["at"]) == own["merchant_id"].n_unique()
            assert int(said["merchants"]) == rows["merchant_id"].n_unique()
        if "attended" in said:
            assert int(said["attended"]) == own["event"].n_unique()
            assert int(said["events"]) == rows["event"].n_unique()
        if "occasions" in said:
            assert int(said["occasions"]) == self.occasions.of_member(evidence, buyer)
        assert ("middle" in said) == bool(len(own))
        if "middle" in said:
            assert is_rounded(said["middle"], median(own["expected"]))
        others = set(members["buyer_id"]) - {buyer}
        assert self._held(said.get("with", ""), _SHARED_WITH[what]) == self.holders.best({buyer}, others, 1)
        return form

    def _link(self, link: dict[str, Any]) -> str:
        form, said = read(link["why"], "link")
        assert is_rounded(said["score"], link["score"])
        filed = self.claims.filter(pl.col("buyer_id").is_in([link["buyer_a"], link["buyer_b"]]))
        by_id = {row["claim_id"]: row for row in filed.to_dicts()}
        named = _NAMED.findall(said["named"])
        assert ", ".join(match.group() for match in _NAMED.finditer(said["named"])) == said["named"]
        assert int(said["merchants"]) == len(named) + int(said.get("more", 0))
        assert int(said.get("more", 0)) == 0 or len(named) == 4
        expected = [float(strangers) for *_, strangers in named]
        assert expected == sorted(expected)
        for one, other, merchant, within, strangers in named:
            a, b = by_id[one], by_id[other]
            assert (a["buyer_id"], b["buyer_id"]) == (link["buyer_a"], link["buyer_b"])
            assert a["merchant_id"] == b["merchant_id"] == merchant
            apart = abs(a["filed_at"] - b["filed_at"])
            assert is_at_most(within, max(apart, self.grain))
            self._strangers(link, one, other, float(strangers), apart)
        at = [
            set(filed.filter(pl.col("buyer_id") == link[end])["merchant_id"])
            for end in ("buyer_a", "buyer_b")
        ]
        assert {merchant for _, _, merchant, _, _ in named} <= at[0] & at[1]
        assert len(named) <= int(said["merchants"]) <= len(at[0] & at[1])
        least = self.occasions.of_claims([(one, other) for one, other, *_ in named])
        assert least <= int(said["occasions"]) <= int(said["merchants"])
        assert "more" in said or least == int(said["occasions"])
        both = {link["buyer_a"], link["buyer_b"]}
        told = sorted((kind, int(holders)) for kind, holders in _BOTH_USE.findall(said.get("both", "")))
        values = [(kind, value) for kind, held in self.holders.of_kind.items() for value in held]
        assert told == sorted((kind, len(value)) for kind, value in values if both <= value)
        return form

    def _strangers(
        self, link: dict[str, Any], one: str, other: str, strangers: float, apart: timedelta
    ) -> None:
        """Compare with what the evidence of their ring, if there is one, makes of the event's rate."""
        rows = self.tables["evidence"].filter(pl.col("claim_id").is_in([one, other]))
        if len(rows) != 2 or rows["event"].n_unique() > 1 or rows["ring_id"].n_unique() > 1:
            return
        ring = self.tables["rings"].filter(pl.col("ring_id") == rows["ring_id"][0])
        if ring["method"][0] in ("waves", "structure"):
            return  # there the evidence counts who was there
        first = rows.row(0, named=True)
        event = self.tables["evidence"].filter(
            (pl.col("ring_id") == first["ring_id"]) & (pl.col("event") == first["event"])
        )
        others = event.filter(pl.col("buyer_id") != first["buyer_id"])["filed_at"]
        nearest = min(abs(at - first["filed_at"]) for at in others)
        rate = first["expected"] / self._reach(nearest)
        assert np.isclose(strangers, rate * self._reach(apart), rtol=0.06, atol=0.06), link["why"]

    def _reach(self, apart: timedelta) -> float:
        """Days that claims as near as `apart` lie in: both sides, and half a day at least."""
        return max((2 * apart + self.grain) / timedelta(days=1), 0.5)

    def _held(self, text: str, form: re.Pattern[str]) -> dict[str, tuple[int, int]]:
        """What a list of shared values says, by kind."""
        found = {kind: (int(count), int(holders)) for kind, count, holders in form.findall(text)}
        said = [match.group() for match in form.finditer(text)]
        assert " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said) == text
        return found

    def _why_not(self, lead: dict[str, Any]) -> None:
        because, inside = self._in_a_ring(lead)
        assert inside is None or lead["kind"] != "associates"
        match = _WHY_NOT.fullmatch(because)
        assert match is not None, lead["why_not"]
        if match["chance"]:
            assert is_rounded(match["chance"], lead["p_value"])
            assert lead["p_value"] > float(match["highest"])
        if match["often"]:
            evidence = self.tables["lead_evidence"].filter(pl.col("lead_id") == lead["lead_id"])
            buyers = self._buyers("lead", lead["lead_id"])
            met = sum(self.occasions.of_member(evidence, buyer) >= 2 for buyer in buyers)
            assert int(match["buyers"]) == len(buyers)
            assert int(match["often"].replace("none", "0")) <= met
            assert int(match["often"].replace("none", "0")) < int(match["enough"])
            assert int(match["enough"]) == max(2, (len(buyers) + 1) // 2)
        for left, needed in (("left", "needed"), ("closer", "habit")):
            if match[left]:
                assert 0.0 <= float(match[left]) < float(match[needed])

    def _in_a_ring(self, lead: dict[str, Any]) -> tuple[str, int | None]:
        """Read why a lead is no ring, without how many of its buyers are in one, and count these again."""
        match = re.fullmatch(
            r"(.+\.) (\d+) of these (\d+) buyers (?:is a member|are members) of ring (\S+)\.", lead["why_not"]
        )
        if match is None:
            assert lead["kind"] == "associates" or not lead["ring_id"]
            return lead["why_not"], None
        buyers = self._buyers("lead", lead["lead_id"])
        assert (match[4], int(match[3])) == (lead["ring_id"], len(buyers))
        assert int(match[2]) == len(buyers & self._buyers("ring", lead["ring_id"]))
        return match[1], int(match[2])

    def _buyers(self, what: str, group_id: str) -> set[str]:
        table = self.tables["members" if what == "ring" else "lead_members"]
        return set(table.filter(pl.col(f"{what}_id") == group_id)["buyer_id"])
