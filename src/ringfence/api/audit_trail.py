"""What is answered is written down first; entries of requests that end together go in one transaction."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from ringfence.services.audit import AuditWriter


class AuditTrail:
    """The entries of this process; one thread writes them, while it does so others gather."""

    def __init__(self, writer: AuditWriter) -> None:
        self._writer = writer
        self._thread = ThreadPoolExecutor(1, "audit")
        self._waiting: list[tuple[int, bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown()

    async def add(self, at: int, payload: bytes) -> None:
        """Return when an entry (`at` in µs since 1970-01-01 UTC) is on the disk. Raises UnavailableError."""
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        self._waiting.append((at, payload, written))
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        await written

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                together, self._waiting = self._waiting, []
                entries = [(at, payload) for at, payload, _ in together]
                error: Exception | None = None
                try:
                    await loop.run_in_executor(self._thread, self._writer.write, entries)
                except Exception as refused:
                    error = refused
                for _, _, written in together:
                    if written.done():
                        continue
                    if error is None:
                        written.set_result(None)
                    else:
                        written.set_exception(error)
        finally:
            self._writing = None
