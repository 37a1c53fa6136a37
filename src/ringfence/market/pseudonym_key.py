"""The secret under which personal data is pseudonymised: made on first use, readable by its owner alone."""

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

from ringfence.domain.errors import InvalidError

KEY_BYTES = 32


class UnreadableKeyError(InvalidError):
    """The key cannot be read, or is none."""


@dataclass(frozen=True)
class PseudonymKey:
    """32 random bytes; the same key gives the same pseudonyms, another key unrelated ones."""

    secret: bytes = field(repr=False)
    """Never shown, logged or stored beside data."""

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise UnreadableKeyError(f"a pseudonym key has {KEY_BYTES} bytes")

    @property
    def key_id(self) -> str:
        """Name the key in 16 hex digits that say nothing about the secret."""
        return hmac.new(self.secret, b"ringfence key id", hashlib.sha256).hexdigest()[:16]

    def derive(self, purpose: str) -> bytes:
        """Give 32 bytes that belong to `purpose` alone and do not lead back to the key."""
        return hmac.new(self.secret, b"ringfence " + purpose.encode(), hashlib.sha256).digest()

    def seed(self, purpose: str) -> int:
        """Give a seed of 62 bits for hashes that nobody without the key can make meet."""
        return int.from_bytes(self.derive(purpose)[:8], "big") >> 2

    @staticmethod
    def load_or_create(path: Path | None = None, *, create: bool = True) -> "PseudonymKey":
        """Read the key at `path` (by default in the user's data folder), making it if there is none.

        Raises UnreadableKeyError where the file is open to others, malformed or out of reach, and where
        there is none unless told to `create`.
        """
        place = path if path is not None else user_data_path("ringfence") / "key"
        try:
            if create and not place.exists():
                _create(place)
            return _load(place)
        except OSError as error:
            raise UnreadableKeyError(
                f"pseudonym key {place}: {error.strerror or 'cannot be read'}; name another place with "
                "RINGFENCE_KEY_FILE"
            ) from None


def _create(place: Path) -> None:
    """Write a new key whole or not at all; of two processes that start at once, one key wins."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, place)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    if os.name == "posix":
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _load(place: Path) -> PseudonymKey:
    with place.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        text = file.read(1024)
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise UnreadableKeyError(f"pseudonym key {place}: open to other users; run chmod 600 on it")
    try:
        secret = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise UnreadableKeyError(
            f"pseudonym key {place}: not {2 * KEY_BYTES} hexadecimal digits; restore it, or name another "
            "with RINGFENCE_KEY_FILE"
        )
    return PseudonymKey(secret)
