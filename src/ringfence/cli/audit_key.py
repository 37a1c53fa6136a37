"""The key that seals the audit: derived from that of the pseudonyms, which lies outside the store."""

from pathlib import Path

import typer

from ringfence.cli.context import settings_of

AUDIT = "audit"
"""What it is derived for."""


def audit_key(context: typer.Context) -> bytes:
    """Give the key, making that of the pseudonyms on first use. Raises UnreadableKeyError."""
    from ringfence.market.pseudonym_key import PseudonymKey

    return PseudonymKey.load_or_create(settings_of(context).key_file).derive(AUDIT)


def audit_key_in(path: Path) -> bytes:
    """Give the key that belongs to the pseudonyms' in a file. Raises UnreadableKeyError."""
    from ringfence.market.pseudonym_key import PseudonymKey

    return PseudonymKey.load_or_create(path, create=False).derive(AUDIT)
