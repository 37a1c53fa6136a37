"""Which names a server answers to: a page of another site must not reach it under a name of its own."""

import ipaddress

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


def is_loopback(host: str) -> bool:
    """Whether a host, named without a port, is this machine as it sees itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class LoopbackNames:
    """Refuses requests that name another host than this machine.

    The owner of a domain may let its name lead to 127.0.0.1, and a browser then takes what is served there
    for a part of the owner's site.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request through the application, or refuse it."""
        if scope["type"] != "http" or is_loopback(_host(Request(scope).headers.get("host", ""))):
            await self._app(scope, receive, send)
            return
        answer = Response(
            "Ask localhost or 127.0.0.1; other names are not served.\n", 421, media_type="text/plain"
        )
        await answer(scope, receive, send)


def _host(named: str) -> str:
    """Give a Host header without its port."""
    if named.startswith("["):
        return named[1:].partition("]")[0]
    return named.partition(":")[0]
