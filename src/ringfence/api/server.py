"""The server: one process that listens, until it is told to stop."""

import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from ringfence.api.access_log import LOGGER, JsonLines
from ringfence.api.hosts import is_loopback
from ringfence.domain.errors import ConflictError, InvalidError, UnavailableError

_GRACE_SECONDS = 8
"""What requests under way are given when the server stops."""
_YOUNG_OBJECTS = 20_000
"""Objects made before the collector looks for cycles: lists of rings should not be interrupted by it."""
_SWITCH_SECONDS = 0.0005
"""How long a thread may keep others waiting: whoever writes the audit asks for its turn at every row."""
_BACKLOG = 2_048


class PortTakenError(ConflictError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"Port {port} of {host} is taken by another program; name another with --port.")
        self.host, self.port = host, port


def listen(host: str, port: int, *, behind_proxy: bool) -> socket.socket:
    """Take a port (0: any that is free) of an address of this machine.

    Only loopback addresses are taken, unless a proxy stands before them: keys would pass the network in the
    clear. Raises InvalidError for another address, PortTakenError, UnavailableError.
    """
    if not behind_proxy and not is_loopback(host):
        raise InvalidError(
            f"{host} can be reached from other machines, and keys would pass the network unencrypted. Let a "
            "proxy with TLS stand before it and say --behind-proxy, or listen on 127.0.0.1."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # A port that was just left may be taken again; elsewhere this would take it from who has it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Another program on the port may show only when one listens.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(host, port) from error
        raise UnavailableError(f"Nothing can listen on {host}:{port}: {error.strerror or error}.") from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Give the address at which queries are answered."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(application: ASGIApp, listener: socket.socket) -> None:
    """Answer requests until SIGTERM or SIGINT comes; those under way are finished first.

    The log goes to standard error, a line of JSON a request.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    with _log(), _signals_only_stop(), _rare_collections(), _frequent_switches():
        server.run(sockets=[listener])


@contextmanager
def _log() -> Iterator[None]:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    levels = {LOGGER: logging.INFO, logging.getLogger("uvicorn"): logging.WARNING}
    for logger, level in levels.items():
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in levels:
            logger.removeHandler(handler)


@contextmanager
def _signals_only_stop() -> Iterator[None]:
    """Let the server's own end be all that a signal does; it raises those it got once more when it ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Keep what was made so far, such as the schema, out of the collector's way, and let it run rarely."""
    former = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*former)
        gc.unfreeze()


@contextmanager
def _frequent_switches() -> Iterator[None]:
    """Let threads take turns more often than Python would: by itself, each wait is 5 ms long."""
    former = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(former)
