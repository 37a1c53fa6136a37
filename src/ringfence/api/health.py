"""Whether the process lives, and whether it can answer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ringfence.api.access_log import log_fault, notes_of
from ringfence.domain.durations import MICROSECONDS_A_SECOND
from ringfence.domain.errors import RingfenceError
from ringfence.store import Store


class HealthChecks:
    """/livez and /readyz, which need no key and tell nothing about anybody."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        """`clock` gives the time in µs since 1970-01-01 UTC."""
        self._store, self._clock = store, clock
        # A thread of its own, so that it answers while all others are busy.
        self._thread = ThreadPoolExecutor(1, "health")

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown()

    async def livez(self, request: Request) -> Response:
        """Say that the process lives, and nothing else."""
        return _json(200, {"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """Say whether the store answers, and how old its last run is: 200, or 503 with the reason."""
        try:
            known = await asyncio.get_running_loop().run_in_executor(self._thread, self._look)
        except RingfenceError as error:
            log_fault(error, notes_of(request.scope)["request_id"])
            return _json(503, {"status": "unavailable", "reason": "The store does not answer."})
        return _json(200, {"status": "ok", **known})

    def _look(self) -> dict[str, Any]:
        health = self._store.health()
        published = health.last_published_at
        return {
            "schemaVersion": health.schema_version,
            "marketVersion": health.market_version,
            "lastRunId": health.last_run_id,
            "lastRunAgeSeconds": None
            if published is None
            else max(self._clock() - published, 0) // MICROSECONDS_A_SECOND,
        }


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, media_type="application/json")
