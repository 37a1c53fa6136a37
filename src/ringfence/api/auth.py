"""Who asks: the key that a request carries."""

from collections.abc import Mapping

from ringfence.api.errors import UnauthenticatedError

_BEARER = "bearer "


def token_in(headers: Mapping[str, str]) -> str:
    """Find the key in a request's headers: `Authorization: Bearer ID.SECRET`, or `X-API-Key: ID.SECRET`.

    `headers` must find names in any case. Raises UnauthenticatedError if there is none.
    """
    authorization = headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        token = authorization[len(_BEARER) :].strip()
    else:
        token = headers.get("x-api-key", "").strip()
    if not token:
        raise UnauthenticatedError
    return token
