"""What the environment says, read once and passed on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """One setting a field; the README's table lists them all."""

    key_file: Path | None = None
    """RINGFENCE_KEY_FILE: where the pseudonym key lies (default: the user's data folder)."""
    store: str | None = None
    """RINGFENCE_STORE: the store's address (default: a file in the user's data folder)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; an empty variable counts as absent."""
        key_file = environment.get("RINGFENCE_KEY_FILE")
        return cls(
            key_file=Path(key_file) if key_file else None, store=environment.get("RINGFENCE_STORE") or None
        )
