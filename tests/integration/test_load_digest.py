"""Under which name a load is kept: what was read once is not read again, and what would differ is."""

from pathlib import Path

import pytest

from ringfence.intake import IntakeOptions, Mapping, PseudonymKey, digest_of

KEY = PseudonymKey(bytes(range(32)))
WORDS = {"claims": {"kind": {"gone": "refund_only"}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    (made / "claims.csv").write_text("claim_id\nc1\n")
    (made / "orders.csv").write_text("order_id\no1\n")
    return made


@pytest.mark.parametrize(
    "options",
    [
        IntakeOptions(delimiter=";"),
        IntakeOptions(decimal=","),
        IntakeOptions(date_formats=("%d.%m.%Y",)),
        IntakeOptions(default_currency="EUR"),
        IntakeOptions(mapping=Mapping(columns={"claims": {"claim_id": "no"}})),
        IntakeOptions(mapping=Mapping(values=WORDS)),
    ],
)
def test_files_that_are_read_otherwise_are_another_load(folder: Path, options: IntakeOptions) -> None:
    assert digest_of([folder], options, KEY) != digest_of([folder], IntakeOptions(), KEY)
    assert digest_of([folder], options, KEY) == digest_of([folder], options, KEY)


def test_under_another_key_files_are_another_load(folder: Path) -> None:
    other = PseudonymKey(bytes(32))
    assert digest_of([folder], IntakeOptions(), other) != digest_of([folder], IntakeOptions(), KEY)


@pytest.mark.parametrize("name", ["claims.ndjson", "buyers.csv"])
def test_the_same_bytes_in_another_format_or_table_are_another_load(folder: Path, name: str) -> None:
    before = digest_of([folder], IntakeOptions(), KEY)
    (folder / "claims.csv").rename(folder / name)
    assert digest_of([folder], IntakeOptions(), KEY) != before


def test_where_files_lie_and_how_they_are_named_on_the_command_line_is_nothing_to_a_load(
    folder: Path,
) -> None:
    before = digest_of([folder], IntakeOptions(), KEY)
    one, two = folder / "orders.csv", folder / "claims.csv"
    assert digest_of([one, two, folder], IntakeOptions(), KEY) == before
    assert digest_of([folder.rename(folder.with_name("moved"))], IntakeOptions(), KEY) == before


def test_how_many_rows_may_be_bad_is_nothing_to_a_load(folder: Path) -> None:
    strict = digest_of([folder], IntakeOptions(max_rejected=0.0), KEY)
    assert strict == digest_of([folder], IntakeOptions(), KEY)
