import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.generator.addresses import SPELLINGS, Doors, build_doors, render_addresses
from ringfence.generator.geography import COUNTRIES
from ringfence.generator.options import stream

CODES = [land.code for land in COUNTRIES]


def door_of(code: str, *, unit: int = 4, letter: int = 2, house: int = 23) -> Doors:
    """One door."""
    columns = (CODES.index(code), 7, 0, house, unit, letter)
    return Doors(*(np.array([value], dtype=np.int32) for value in columns))


def spelled(doors: Doors) -> list[str]:
    """Every way to type the first of the doors."""
    texts = render_addresses(doors, np.zeros(SPELLINGS, dtype=np.int64), np.arange(SPELLINGS, dtype=np.int32))
    return texts.to_list()


def test_flats_are_typed_as_people_type_them() -> None:
    texts = spelled(door_of("US"))
    usual = texts[0]
    assert re.fullmatch(r"Apt 4B, 23 Oak Street, \d{5} \w+( \w+)?", usual)
    for form in ("Apartment 4-B", "4B apt.", "Flat 4 B", "23 Oak St,", usual.lower(), usual.upper()):
        assert any(form in text for text in texts), form
    assert any(text.startswith("23 Oak Street, Apt 4B") for text in texts)


@pytest.mark.parametrize("code", CODES)
def test_every_spelling_keeps_the_numbers_of_the_door(code: str) -> None:
    for text in spelled(door_of(code, unit=17, letter=0, house=123)):
        assert {"123", "17"} <= set(re.findall(r"\d+", text)), text


@pytest.mark.parametrize("code", CODES)
def test_a_house_of_its_own_is_written_without_a_flat(code: str) -> None:
    for text in spelled(door_of(code, unit=0, letter=0)):
        assert not text.startswith((" ", ","))
        assert ", ," not in text
        assert "  " not in text


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 15))
def test_addresses_come_back_in_the_order_they_were_asked_for(seed: int, count: int) -> None:
    chance = stream(seed, "addresses")
    doors = build_doors(chance.integers(0, len(COUNTRIES), count).astype(np.int32), chance)
    spelling = chance.integers(0, SPELLINGS, count).astype(np.int32)
    together = render_addresses(doors, np.arange(count), spelling)
    alone = [render_addresses(doors, np.array([door]), spelling[door : door + 1])[0] for door in range(count)]
    assert together.to_list() == alone


def test_no_address_asked_for_is_no_address() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert render_addresses(door_of("US"), nothing, nothing.astype(np.int32)).dtype == pl.String
