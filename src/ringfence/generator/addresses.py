"""Where people live, and the many ways one door is typed."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.generator.geography import COUNTRIES, Country

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

RADICES = (6, 3, 3, 3, 2)
"""How many ways there are to vary the flat, the street, the case, the punctuation and the order."""
SPELLINGS = int(np.prod(RADICES))
"""Number of ways to type one address; spelling 0 is the usual one."""
_STEPS = tuple(int(np.prod(RADICES[:place])) for place in range(len(RADICES)))
CARELESS = (0, _STEPS[0], _STEPS[1], _STEPS[2], _STEPS[3], _STEPS[1] + _STEPS[2])
"""The spellings that honest people fall into when they type by hand."""
_POSTCODES_PER_TOWN = 60
_LETTERS = "ABCDEFGH"


@dataclass(frozen=True, eq=False)
class Doors:
    """D front doors as parallel columns; look-alikes and rings rewrite rows to put people into one house."""

    country: Ints
    """int32[D], positions in COUNTRIES."""
    place: Ints
    """int32[D], town and postcode; any non-negative number."""
    street: Ints
    """int32[D], any non-negative number."""
    house: Ints
    """int32[D]."""
    unit: Ints
    """int32[D], number of the flat, 0 for a house of its own."""
    letter: Ints
    """int32[D], 0 for none, else the letter after the number of the flat."""

    def house_together(self, doors: Longs, *, units: Ints | None) -> None:
        """Move `doors` (int64[k]) to the house of the first; with its own number each (int32[k]), or none."""
        for column in (self.country, self.place, self.street, self.house):
            column[doors] = column[doors[0]]
        self.unit[doors] = 0 if units is None else units
        self.letter[doors] = 0


def build_doors(country: Ints, chance: np.random.Generator) -> Doors:
    """Return one door in each given country (int32[D]); more than half are flats, some with a letter."""
    count = len(country)
    unit = np.where(chance.random(count) < 0.55, 1 + chance.gamma(1.2, 12.0, count).astype(np.int32), 0)
    letter = np.where((unit > 0) & (chance.random(count) < 0.4), chance.integers(1, 9, count), 0)
    return Doors(
        country=country.copy(),
        place=chance.integers(0, 1 << 20, count).astype(np.int32),
        street=chance.integers(0, 1 << 20, count).astype(np.int32),
        house=(1 + chance.gamma(1.0, 60.0, count)).astype(np.int32),
        unit=unit.astype(np.int32),
        letter=letter.astype(np.int32),
    )


def render_addresses(doors: Doors, door: Longs, spelling: Ints) -> pl.Series:
    """Return the text of each (door, spelling), a String series as long as both."""
    rows = np.arange(len(door))
    parts: list[pl.DataFrame] = []
    for code, country in enumerate(COUNTRIES):
        mine = rows[doors.country[door] == code]
        if len(mine):
            text = _render_country(country, doors, door[mine], spelling[mine])
            parts.append(pl.DataFrame({"row": mine, "text": text}))
    return pl.concat(parts).sort("row")["text"] if parts else pl.Series([], dtype=pl.String)


def _render_country(country: Country, doors: Doors, door: Longs, spelling: Ints) -> pl.Series:
    style = country.style
    unit_form, street_form, case, punctuation, order = (
        spelling // step % radix for step, radix in zip(_STEPS, RADICES, strict=True)
    )
    forms = max(len(street) for street in style.streets)
    streets = pl.Series([street[form] for street in style.streets for form in range(forms)])
    befores, joints, afters = (pl.Series([unit[place] for unit in style.units]) for place in range(3))
    letters = pl.Series(["", *_LETTERS])
    letter = doors.letter[door]
    places = _places(country)
    frame = pl.DataFrame(
        {
            "street": streets.gather(doors.street[door] % len(style.streets) * forms + street_form),
            "house": doors.house[door],
            "before": befores.gather(unit_form),
            "unit": doors.unit[door],
            "joint": joints.gather(unit_form),
            "letter": letters.gather(letter),
            "after": afters.gather(unit_form),
            "place": places.gather(doors.place[door] % len(places)),
            "case": case,
            "punctuation": punctuation,
            "unit_leads": (order == 1) != style.unit_first,
        }
    )
    line = _line(country)
    joint = pl.when(pl.col("letter") == "").then(pl.lit("")).otherwise(pl.col("joint"))
    flat = pl.when(pl.col("unit") > 0).then(
        pl.concat_str("before", pl.col("unit").cast(pl.String), joint, "letter", "after")
    )
    leading, trailing = pl.when("unit_leads").then(flat), pl.when(~pl.col("unit_leads")).then(flat)
    place = pl.col("place")
    written = [place, leading, line, trailing] if style.place_first else [leading, line, trailing, place]
    usual, second, third = (
        pl.concat_str(written, separator=separator, ignore_nulls=True) for separator in style.separators
    )
    text = (
        pl.when(pl.col("punctuation") == 0)
        .then(usual)
        .when(pl.col("punctuation") == 1)
        .then(second)
        .otherwise(third)
    )
    cased = (
        pl.when(pl.col("case") == 0)
        .then(text)
        .when(pl.col("case") == 1)
        .then(text.str.to_lowercase())
        .otherwise(text.str.to_uppercase())
    )
    return frame.select(cased.alias("text"))["text"]


def _line(country: Country) -> pl.Expr:
    """Return street and house number as the country joins them."""
    style = country.style
    house = pl.col("house").cast(pl.String) + style.house_suffix
    if style.house_first:
        return pl.concat_str(house, "street", separator=style.house_glue)
    return pl.concat_str("street", house, separator=style.house_glue)


@cache
def _places(country: Country) -> pl.Series:
    """Return every postcode with its town; the same list whatever the seed."""
    chance = np.random.default_rng([ord(letter) for letter in country.code])
    places = []
    for pattern, town in country.towns:
        for _ in range(_POSTCODES_PER_TOWN):
            digits, letters = chance.integers(0, 10, len(pattern)), chance.integers(0, 20, len(pattern))
            code = "".join(
                str(digit) if sign == "#" else "ABDEFGHJLNPQRSTUWXYZ"[letter] if sign == "@" else sign
                for sign, digit, letter in zip(pattern, digits, letters, strict=True)
            )
            places.append(f"{code} {town}" if country.postcode_first else f"{town} {code}")
    return pl.Series(places)
