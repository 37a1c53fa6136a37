"""What each buyer uses: addresses, devices, payments, phones, e-mails; and how they come to share them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.generator.addresses import CARELESS, SPELLINGS, Doors, build_doors, render_addresses
from ringfence.generator.geography import COUNTRIES
from ringfence.generator.population import Ints
from ringfence.generator.seasons import DAY

Longs = NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
_CHANGES = {
    IdentifierKind.ADDRESS: 0.08,
    IdentifierKind.DEVICE: 0.14,
    IdentifierKind.PAYMENT: 0.08,
    IdentifierKind.PHONE: 0.05,
    IdentifierKind.EMAIL: 0.02,
}
"""Share of buyers who change theirs once in the period."""
_UNKNOWN = {
    IdentifierKind.ADDRESS: 0.02,
    IdentifierKind.DEVICE: 0.08,
    IdentifierKind.PAYMENT: 0.05,
    IdentifierKind.PHONE: 0.12,
    IdentifierKind.EMAIL: 0.04,
}
"""Share of claims on which it isn't recorded."""
_FIRST_NAMES = (
    "anna", "ben", "carla", "david", "elena", "felix", "grace", "hugo", "ines", "jonas", "kenji",
    "laura", "marco", "nina", "oscar", "paula", "rafael", "sofia", "tom", "ursula", "victor", "wei",
    "yuki", "zoe", "li", "mei", "joao", "pedro", "lucia", "emma", "noah", "olivia", "liam", "mia",
    "lukas", "chloe", "jules", "camille",
)  # fmt: skip
_LAST_NAMES = (
    "silva", "smith", "garcia", "martin", "mueller", "schmidt", "wang", "li", "tanaka", "sato",
    "jones", "brown", "rossi", "dubois", "lopez", "santos", "costa", "weber", "fischer", "zhang",
    "chen", "suzuki", "taylor", "wilson", "moreau", "laurent", "perez", "sanchez", "souza", "lima",
    "evans", "walker", "young",
)  # fmt: skip
_PROVIDERS = ("gmail.example", "outlook.example", "mail.example", "post.example", "qq.example", "web.example")


@dataclass(frozen=True, eq=False)
class Possession:
    """Which value of one kind each buyer uses: the first until it changes, then the second."""

    first: Longs
    """int64[n], values 0 to 2n - 1; a value is nobody else's until it is shared."""
    second: Longs
    """int64[n]."""
    changed_at: Longs
    """int64[n], seconds; NEVER for most."""

    def share(self, members: NDArray[np.integer]) -> None:
        """Give all `members` the value of the first of them, for good."""
        self.first[members] = self.first[members[0]]
        self.changed_at[members] = NEVER

    def keep(self, members: NDArray[np.integer]) -> None:
        """Let `members` never change theirs."""
        self.changed_at[members] = NEVER

    def replace(self, members: NDArray[np.integer], at: int) -> None:
        """Let each of `members` go over to a second value of their own at second `at`."""
        self.changed_at[members] = at

    def used(self, buyer: Ints, at: Longs) -> Longs:
        """Return the value each buyer used at each second (int64, as long as both)."""
        values: Longs = np.where(at < self.changed_at[buyer], self.first[buyer], self.second[buyer])
        return values


@dataclass(frozen=True, eq=False)
class Belongings:
    """Everything n buyers can be known by; look-alikes and rings write who shares what into it."""

    doors: Doors
    """2n doors, the values of addresses."""
    possessions: dict[IdentifierKind, Possession]
    """One for each kind."""
    spellings: Ints
    """int32[n, 2], the two ways in which each buyer types an address."""
    wavering: NDArray[np.float64]
    """float64[n], share of the claims on which a buyer uses the second way."""

    @property
    def addresses(self) -> Possession:
        """Return who lives where."""
        return self.possessions[IdentifierKind.ADDRESS]


def give_belongings(country: Ints, days: int, chance: np.random.Generator) -> Belongings:
    """Return what n honest buyers own, nobody sharing anything yet; `country` is int32[n]."""
    count = len(country)
    possessions = {}
    for kind in IdentifierKind:
        changes = chance.random(count) < _CHANGES[kind]
        changed_at = np.where(changes, chance.integers(0, days * DAY, count), NEVER)
        possessions[kind] = Possession(np.arange(count), count + np.arange(count), changed_at)
    by_hand = chance.random(count) < 0.35
    careless = np.array(CARELESS)[chance.integers(0, len(CARELESS), (count, 2))]
    return Belongings(
        doors=build_doors(np.concatenate([country, country]), chance),
        possessions=possessions,
        spellings=np.where(by_hand[:, None], careless, 0).astype(np.int32),
        wavering=np.where(by_hand, chance.beta(1.0, 3.0, count), 0.0),
    )


def render_belongings(
    belongings: Belongings,
    country: Ints,
    buyer: Ints,
    at: Longs,
    chance: np.random.Generator,
    holders: int = 0,
) -> pl.DataFrame:
    """Return what was recorded of `buyer` (int32[N]) at second `at` (int64[N]): N rows, a column a kind.

    `country` is where each of the n buyers lives. Some cells are null: shops don't record everything.
    `holders` other buyers were given mailboxes before, whose numbers are taken.
    """
    columns = {}
    for kind in IdentifierKind:
        value = belongings.possessions[kind].used(buyer, at)
        if kind is IdentifierKind.ADDRESS:
            wavers = (chance.random(len(buyer)) < belongings.wavering[buyer]).astype(np.int64)
            typed = value * SPELLINGS + belongings.spellings[buyer, wavers]
            known, row = np.unique(typed, return_inverse=True)
            door, spelling = known // SPELLINGS, (known % SPELLINGS).astype(np.int32)
            column = render_addresses(belongings.doors, door, spelling).gather(row)
        else:
            column = _render_values(kind, country, chance, 2 * holders).gather(value)
        unknown = pl.Series(chance.random(len(buyer)) < _UNKNOWN[kind])
        columns[kind.value] = column.zip_with(~unknown, pl.Series([None], dtype=pl.String))
    return pl.DataFrame(columns)


def _render_values(
    kind: IdentifierKind, country: Ints, chance: np.random.Generator, first_mailbox: int
) -> pl.Series:
    """Return the text of all 2n values of a kind that isn't an address."""
    count = 2 * len(country)
    if kind is IdentifierKind.DEVICE:
        return _tokens(count, 8, chance)
    if kind is IdentifierKind.PAYMENT:
        return "card_" + _tokens(count, 7, chance)
    number = chance.permutation(count)
    mailbox = pl.Series(first_mailbox + number).cast(pl.String)
    if kind is IdentifierKind.PHONE:
        lives = np.concatenate([country, country])
        digits = np.array([land.phone_digits for land in COUNTRIES])[lives]
        # numbers are spread over all those that don't begin with a zero, and no two are alike
        gap = 9 * 10 ** (digits - 1) // count
        national = 10 ** (digits - 1) + number * gap + (chance.random(count) * gap).astype(np.int64)
        prefix = pl.Series([land.dial + " " for land in COUNTRIES]).gather(lives)
        return prefix + pl.Series(national).cast(pl.String)
    first = pl.Series(_FIRST_NAMES).gather(chance.integers(0, len(_FIRST_NAMES), count))
    last = pl.Series(_LAST_NAMES).gather(chance.integers(0, len(_LAST_NAMES), count))
    provider = pl.Series(_PROVIDERS).gather(chance.integers(0, len(_PROVIDERS), count))
    return first + "." + last + mailbox + "@" + provider


def _tokens(count: int, size: int, chance: np.random.Generator) -> pl.Series:
    """Return `count` random tokens of `size` bytes in hexadecimal."""
    text = chance.bytes(count * size).hex()
    return pl.Series([text[start : start + 2 * size] for start in range(0, len(text), 2 * size)])
