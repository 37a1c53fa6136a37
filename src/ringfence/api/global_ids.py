"""Global ids: what `node(id:)` takes, the kind of an object and its own id in one opaque word."""

import base64
import binascii

from ringfence.domain.errors import InvalidError


def global_id(kind: str, own_id: str) -> str:
    """Make a global id."""
    return base64.b64encode(f"{kind}:{own_id}".encode()).decode()


def read_global_id(text: str) -> tuple[str, str]:
    """Give the kind and the own id that a global id holds. Raises InvalidError for anything else."""
    try:
        kind, colon, own_id = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        kind = colon = own_id = ""
    if not (kind and colon and own_id):
        raise InvalidError("node(id:) takes the `id` of an object as it was answered; this is none.")
    return kind, own_id
