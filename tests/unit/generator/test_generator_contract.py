from pathlib import Path

import pytest

from ringfence.generator import GeneratorOptions, generate_marketplace, write_marketplace
from ringfence.generator.writing import Compression, FileFormat
from ringfence.intake import IntakeOptions, PseudonymKey, read_market


@pytest.mark.parametrize(
    ("file_format", "compression"), [("csv", "none"), ("csv", "gz"), ("csv", "zst"), ("parquet", "none")]
)
def test_every_row_of_a_generated_folder_is_read_without_a_warning(
    file_format: FileFormat, compression: Compression, tmp_path: Path
) -> None:
    marketplace = generate_marketplace(GeneratorOptions(buyers=600, claims_per_buyer=2.0))
    write_marketplace(marketplace, tmp_path, file_format=file_format, compression=compression)
    intake = read_market([tmp_path], IntakeOptions(), PseudonymKey(bytes(32)))
    assert intake.rejected.is_empty()
    assert intake.warnings == ()
    assert len(intake.market.claims) == marketplace.claims.height
    assert intake.market.orders is not None
    assert len(intake.market.orders) == marketplace.orders.height
