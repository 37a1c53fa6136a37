"""The name of a load: the same files, read in the same way, have the same."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.inputs import find_inputs
from ringfence.intake.normalise import NORMALISER_VERSION
from ringfence.intake.options import IntakeOptions
from ringfence.market.pseudonym_key import PseudonymKey


def digest_of(paths: Sequence[Path], options: IntakeOptions, key: PseudonymKey) -> str:
    """Hash the bytes of all files, what each holds, and what decides how they are read; 64 hex digits.

    Raises UnreadableInputError.
    """
    mapping = options.mapping
    told = (
        key.key_id,
        NORMALISER_VERSION,
        options.delimiter,
        options.decimal,
        options.date_formats,
        options.default_currency,
        sorted((table, sorted(names.items())) for table, names in mapping.columns.items()) if mapping else [],
        sorted(
            (table, sorted((column, sorted(words.items())) for column, words in columns.items()))
            for table, columns in mapping.values.items()
        )
        if mapping
        else [],
    )
    digest = hashlib.sha256(repr(told).encode())
    for source in find_inputs(paths, needs_claims=False):
        try:
            with source.path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UnreadableInputError(f"{source.path.name}: {error.strerror or 'cannot be read'}") from None
        digest.update(f"\n{source.table.name} {''.join(source.path.suffixes).lower()} {content}".encode())
    return digest.hexdigest()
