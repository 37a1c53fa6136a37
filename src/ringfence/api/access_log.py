"""One line of JSON a request, with an id that its answer carries too, and nothing of what was asked."""

import logging
import re
import secrets
import time
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGGER = logging.getLogger("ringfence.api")
_GIVEN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_REQUEST_ID = b"x-request-id"
_NOTES = "ringfence"


class AccessLog:
    """Gives each request its id, adds headers that every answer has, and logs what became of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request through the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = _request_id(scope)
        notes: dict[str, Any] = {}
        scope.setdefault("state", {})[_NOTES] = notes
        notes["request_id"] = request_id
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (_REQUEST_ID, request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            LOGGER.info(
                "",
                extra={
                    "said": {
                        **notes,
                        "method": scope["method"] if scope["method"].isalpha() else "?",
                        "route": _route(scope),
                        "status": status,
                        "ms": round(1e3 * (time.perf_counter() - begun), 2),
                    }
                },
            )


def notes_of(scope: MutableMapping[str, Any]) -> dict[str, Any]:
    """Give what is noted for the log about a request, its id among it; never anything that was asked."""
    notes: dict[str, Any] = scope["state"][_NOTES]
    return notes


def log_fault(error: BaseException, request_id: str) -> None:
    """Log where a fault arose; not its message, in which there may be anything."""
    places = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    said = {"request_id": request_id, "fault": type(error).__name__, "places": places}
    LOGGER.error("", extra={"said": said})


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **getattr(record, "said", {"says": record.getMessage()}),
        }
        return orjson.dumps(line, default=str).decode()


def _request_id(scope: Scope) -> str:
    """Take the id that a proxy gave, if it looks like one."""
    for name, value in scope["headers"]:
        if name == _REQUEST_ID:
            given = value.decode("latin-1")
            if _GIVEN_ID.fullmatch(given):
                return str(given)
    return secrets.token_hex(8)


def _route(scope: Scope) -> str:
    """Give the path as it was declared, since others may hold anything."""
    route = scope.get("route")
    return getattr(route, "path", "?")
