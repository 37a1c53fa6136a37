import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.normalise import normalise


def normal(kind: str, *values: str) -> list[str]:
    data, starts = normalise(IdentifierKind(kind), pl.Series(values, dtype=pl.String))
    return [data[starts[i] : starts[i + 1]].tobytes().decode() for i in range(len(values))]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("address", "12 Main St., Apt 4-B", "12 main st apt 4b"),
        ("address", "12 MAIN ST apt 4 b", "12 main st apt 4b"),
        ("address", "98568 q", "98568 q"),
        ("address", "4 bb", "4 bb"),
        ("address", "12 4 b", "12 4b"),
        ("address", "Hauptstraße 5", "hauptstrasse 5"),
        ("address", "HAUPTSTRASSE 5", "hauptstrasse 5"),
        ("address", "\uff11\uff12 Oak\u3001Rd", "12 oak rd"),
        ("address", "\u0663\u0664 Road", "34 road"),
        ("address", "北京市 朝阳区 8 号", "北京市 朝阳区 8号"),
        ("phone", "+49 (170) 123-4567", "491701234567"),
        ("phone", "0049170 1234567", "491701234567"),
        ("phone", "123", ""),
        ("email", " Ann.Lee+shop@GMail.com ", "annlee@gmail.com"),
        ("email", "ann.lee@googlemail.com", "annlee@gmail.com"),
        ("email", "Ann.Lee+x@Mail.example", "ann.lee@mail.example"),
        ("email", "+x@mail.example", "+x@mail.example"),
        ("email", "no address", "no address"),
        ("device", " ABC-1 ", "abc-1"),
        ("payment", "Card 1", "card 1"),
    ],
)
def test_ways_to_write_a_value_become_one(kind: str, value: str, expected: str) -> None:
    assert normal(kind, value) == [expected]


@pytest.mark.parametrize("kind", list(IdentifierKind))
def test_placeholders_are_no_values(kind: str) -> None:
    values = ["", " ", "null", "N/A", "None", "unknown", "0000000000", "000-000", "-", "?"]
    assert normal(kind, *values) == [""] * len(values)


@given(
    values=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=6),
    kind=st.sampled_from(IdentifierKind),
)
def test_a_normal_form_does_not_depend_on_its_neighbours(values: list[str], kind: IdentifierKind) -> None:
    assert normal(kind, *values) == [normal(kind, value)[0] for value in values]


@given(
    value=st.text(st.sampled_from("aB4 -.,+@0ß1"), max_size=20),
    kind=st.sampled_from([IdentifierKind.ADDRESS, IdentifierKind.DEVICE]),
)
def test_case_changes_nothing(value: str, kind: IdentifierKind) -> None:
    assert normal(kind, value.upper()) == normal(kind, value)
