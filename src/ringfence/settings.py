"""What the environment says, read once and passed on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.domain.errors import InvalidError


@dataclass(frozen=True)
class Settings:
    """One setting a field; the README's table lists them all."""

    key_file: Path | None = None
    """RINGFENCE_KEY_FILE: where the pseudonym key lies (default: the user's data folder)."""
    store: str | None = None
    """RINGFENCE_STORE: the store's address (default: a file in the user's data folder)."""
    store_user: str | None = None
    """RINGFENCE_STORE_USER: who connects to a server (default: nobody, or neo4j if there is a password)."""
    store_password: str | None = field(default=None, repr=False)
    """RINGFENCE_STORE_PASSWORD, or the first line of the file RINGFENCE_STORE_PASSWORD_FILE."""
    copy_user: str | None = None
    """RINGFENCE_COPY_USER: who connects to the server a store is copied to (default: as for the store)."""
    copy_password: str | None = field(default=None, repr=False)
    """RINGFENCE_COPY_PASSWORD, or the first line of the file RINGFENCE_COPY_PASSWORD_FILE."""

    policy: Path | None = None
    """RINGFENCE_POLICY: the file of the policy in force (default: the built-in policy)."""
    purpose: str | None = None
    """RINGFENCE_PURPOSE: why commands look at people or decide, for the audit (default: the command)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; an empty variable counts as absent.

        Raises InvalidError for a password told twice, or a file of it that cannot be read.
        """
        key_file, policy = environment.get("RINGFENCE_KEY_FILE"), environment.get("RINGFENCE_POLICY")
        user, password = _login(environment, "STORE")
        copy_user, copy_password = _login(environment, "COPY")
        return cls(
            key_file=Path(key_file) if key_file else None,
            store=environment.get("RINGFENCE_STORE") or None,
            store_user=user,
            store_password=password,
            copy_user=copy_user or user,
            copy_password=copy_password or password,
            policy=Path(policy) if policy else None,
            purpose=environment.get("RINGFENCE_PURPOSE") or None,
        )


def _login(environment: Mapping[str, str], name: str) -> tuple[str | None, str | None]:
    password = _password(environment, f"RINGFENCE_{name}_PASSWORD")
    return environment.get(f"RINGFENCE_{name}_USER") or ("neo4j" if password else None), password


def _password(environment: Mapping[str, str], name: str) -> str | None:
    password = environment.get(name) or None
    file = environment.get(f"{name}_FILE")
    if not file:
        return password
    if password:
        raise InvalidError(f"Both {name} and {name}_FILE are set; unset one of them.")
    try:
        told = Path(file).read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"{name}_FILE: {file} cannot be read ({error}).") from error
    if not told:
        raise InvalidError(f"{name}_FILE: {file} is empty.")
    return told
