import gzip
import json
from pathlib import Path

import polars as pl
import pytest
import zstandard

from ringfence.generator import (
    FolderTakenError,
    GeneratorOptions,
    Marketplace,
    generate_marketplace,
    holds_marketplace,
    write_marketplace,
    writing,
)

STEMS = {"claims", "orders", "reports", "merchants", "buyers", "truth"}


@pytest.fixture(scope="module")
def marketplace() -> Marketplace:
    return generate_marketplace(GeneratorOptions(buyers=600, seed=3, claims_per_buyer=2.0))


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {entry.name: entry.read_bytes() for entry in directory.iterdir()}


def test_the_same_options_give_the_same_bytes(marketplace: Marketplace, tmp_path: Path) -> None:
    write_marketplace(marketplace, tmp_path / "one", compression="gz")
    again = generate_marketplace(marketplace.options)
    write_marketplace(again, tmp_path / "two", compression="gz")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_seed_gives_another_marketplace(marketplace: Marketplace) -> None:
    other = generate_marketplace(GeneratorOptions(buyers=600, seed=4, claims_per_buyer=2.0))
    assert not other.claims.equals(marketplace.claims)


def test_all_files_are_written_and_named(marketplace: Marketplace, tmp_path: Path) -> None:
    paths = write_marketplace(marketplace, tmp_path / "new" / "market")
    assert {path.name for path in paths} == {f"{stem}.csv" for stem in STEMS}
    assert set(contents(tmp_path / "new" / "market")) == {path.name for path in paths} | {"marketplace.json"}
    made = json.loads((tmp_path / "new" / "market" / "marketplace.json").read_text())
    assert (made["buyers"], made["seed"], made["stealth"]) == (600, 3, 0.0)


def test_amounts_are_written_with_the_digits_of_their_currency(
    marketplace: Marketplace, tmp_path: Path
) -> None:
    write_marketplace(marketplace, tmp_path)
    for name in ("claims.csv", "orders.csv"):
        written = pl.read_csv(tmp_path / name, infer_schema_length=0)
        yen = pl.col("currency") == "JPY"
        assert written.filter(yen)["amount"].str.contains(r"^[1-9]\d*$").all()
        assert written.filter(~yen)["amount"].str.contains(r"^\d+\.\d\d$").all()
        assert {"JPY", "EUR", "USD", "BRL"} <= set(written["currency"])


def test_csv_says_what_the_frames_say(marketplace: Marketplace, tmp_path: Path) -> None:
    write_marketplace(marketplace, tmp_path)
    claims = pl.read_csv(tmp_path / "claims.csv", infer_schema_length=0)
    assert claims.columns == marketplace.claims.columns
    filed = claims["filed_at"].str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", time_zone="UTC")
    assert filed.equals(marketplace.claims["filed_at"])
    assert claims["address"].equals(marketplace.claims["address"])
    amounts = claims["amount"].cast(pl.Decimal(18, 2))
    assert amounts.equals(marketplace.claims["amount"])


def test_compressed_files_and_parquet_hold_the_same(marketplace: Marketplace, tmp_path: Path) -> None:
    plain = write_marketplace(marketplace, tmp_path / "plain")
    packed = write_marketplace(marketplace, tmp_path / "gz", compression="gz")
    tight = write_marketplace(marketplace, tmp_path / "zst", compression="zst")
    for one, two, three in zip(plain, packed, tight, strict=True):
        assert gzip.decompress(two.read_bytes()) == one.read_bytes()
        with zstandard.open(three, "rb") as file:
            assert file.read() == one.read_bytes()
    write_marketplace(marketplace, tmp_path / "parquet", file_format="parquet")
    assert pl.read_parquet(tmp_path / "parquet" / "claims.parquet").equals(marketplace.claims)


def test_a_former_marketplace_is_replaced_only_if_asked_and_then_whatever_its_format(
    marketplace: Marketplace, tmp_path: Path
) -> None:
    write_marketplace(marketplace, tmp_path, file_format="parquet")
    before = contents(tmp_path)
    with pytest.raises(FolderTakenError, match=r"holds a marketplace that .* with --overwrite"):
        write_marketplace(marketplace, tmp_path)
    assert contents(tmp_path) == before
    write_marketplace(marketplace, tmp_path, overwrite=True)
    assert set(contents(tmp_path)) == {f"{stem}.csv" for stem in STEMS} | {"marketplace.json"}


def test_a_folder_of_other_files_is_refused(marketplace: Marketplace, tmp_path: Path) -> None:
    (tmp_path / "claims.csv").write_text("mine")
    with pytest.raises(FolderTakenError, match=r"did not write: choose an empty folder.* --overwrite"):
        write_marketplace(marketplace, tmp_path)
    assert contents(tmp_path) == {"claims.csv": b"mine"}


def test_a_marketplace_that_somebody_put_a_file_into_is_no_longer_only_that(
    marketplace: Marketplace, tmp_path: Path
) -> None:
    write_marketplace(marketplace, tmp_path)
    assert holds_marketplace(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert not holds_marketplace(tmp_path)


def test_overwriting_replaces_files_of_the_same_stem_and_leaves_the_rest(
    marketplace: Marketplace, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "claims.parquet").write_text("old")
    write_marketplace(marketplace, tmp_path, overwrite=True)
    written = contents(tmp_path)
    assert written["notes.txt"] == b"mine"
    assert "claims.parquet" not in written
    assert "claims.csv" in written


@pytest.mark.parametrize("exists", [False, True])
def test_an_interruption_leaves_things_as_they_were(
    marketplace: Marketplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    target = tmp_path / "market"
    if exists:
        write_marketplace(marketplace, target, file_format="parquet")
    before = contents(target) if exists else {}
    write_frame = writing._write_frame

    def interrupted(frame: pl.DataFrame, path: Path) -> None:
        write_frame(frame, path)
        if path.stem == "reports":
            raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_write_frame", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_marketplace(marketplace, target, overwrite=exists)
    assert [entry.name for entry in tmp_path.iterdir()] == (["market"] if exists else [])
    if exists:
        assert contents(target) == before
