"""Who asks: the key that a request carries."""

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.api.errors import UnauthenticatedError
from ringfence.domain.api_keys import NoValidKeyError
from ringfence.domain.scope import Principal
from ringfence.services.manage_keys import authenticate
from ringfence.store import Store

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands behind a key."""

    key_id: str
    principal: Principal


def caller_of(store: Store, headers: Mapping[str, str], now: int) -> Caller:
    """Find who asks, by `Authorization: Bearer ID.SECRET` or `X-API-Key: ID.SECRET`.

    `headers` must find names in any case. Raises UnauthenticatedError if there is no key, or none that opens.
    """
    authorization = headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        token = authorization[len(_BEARER) :].strip()
    else:
        token = headers.get("x-api-key", "").strip()
    if not token:
        raise UnauthenticatedError
    try:
        principal = authenticate(store, token, now)
    except NoValidKeyError as error:
        raise UnauthenticatedError from error
    return Caller(token.partition(".")[0], principal)
