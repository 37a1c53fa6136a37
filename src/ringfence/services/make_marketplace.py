"""A simulated marketplace on disk, with the truth beside it."""

from dataclasses import dataclass
from pathlib import Path

from ringfence.domain.progress import Progress, Silent
from ringfence.generator import (
    FolderTakenError,
    GeneratorOptions,
    Marketplace,
    generate_marketplace,
    is_free,
    write_marketplace,
)
from ringfence.generator.writing import Compression, FileFormat


@dataclass(frozen=True, eq=False)
class MadeMarketplace:
    """What was made and where it lies."""

    marketplace: Marketplace
    files: list[Path]


def make_marketplace(
    options: GeneratorOptions,
    directory: Path,
    *,
    file_format: FileFormat = "csv",
    compression: Compression = "none",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> MadeMarketplace:
    """Generate a marketplace and write it into `directory`; raises FolderTakenError before any work."""
    listener = progress if progress is not None else Silent()
    if not overwrite and not is_free(directory):
        raise FolderTakenError(directory)
    marketplace = generate_marketplace(options, listener)
    files = write_marketplace(
        marketplace,
        directory,
        file_format=file_format,
        compression=compression,
        overwrite=overwrite,
        progress=listener,
    )
    return MadeMarketplace(marketplace, files)
