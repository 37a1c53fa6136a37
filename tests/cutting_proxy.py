"""A proxy between a client and a server that cuts their connection at a commit."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

_COMMIT = b"\xb0\x12"
"""Bolt's COMMIT: a structure without fields, of signature 0x12."""


class CuttingProxy:
    """Passes bytes on between its own port and a server's; cuts a connection at a COMMIT when told to."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._sockets = [self._listening]
        self._is_to_cut = self._is_to_reach_server = False
        self._meanwhile: Callable[[], object] = lambda: None
        self.cuts = 0
        """How many connections it has cut."""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next_commit(
        self, *, reaches_server: bool, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        """Cut before the server has the COMMIT, or when it was carried out but its answer was not heard.

        `meanwhile` is done after it was carried out, before the client finds itself cut off.
        """
        self._is_to_cut, self._is_to_reach_server, self._meanwhile = True, reaches_server, meanwhile

    def close(self) -> None:
        """Stop listening, and end all connections."""
        for each in self._sockets:
            _end(each)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                is_cutting = threading.Event()
                threading.Thread(target=self._ask, args=(client, server, is_cutting), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server, is_cutting), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, is_cutting: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                if self._is_to_cut and _COMMIT in data:
                    self._is_to_cut = False
                    self.cuts += 1
                    is_cutting.set()
                    if not self._is_to_reach_server:
                        break
                server.sendall(data)
            else:
                is_cutting.clear()
        if not is_cutting.is_set() or not self._is_to_reach_server:
            _end(client)
            _end(server)

    def _answer(self, client: socket.socket, server: socket.socket, is_cutting: threading.Event) -> None:
        with suppress(OSError):
            while (data := server.recv(65_536)) and not is_cutting.is_set():
                client.sendall(data)
        if is_cutting.is_set() and self._is_to_reach_server:
            self._meanwhile()
        _end(client)
        _end(server)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
