"""A connection that breaks when it hurts most: a TCP proxy that cuts between a request and its reply."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self

_PIECE = 2**16
_LOOK = 0.05
_RESET = struct.pack("ii", 1, 0)

When = Literal["before", "between", "after"]
How = Literal["reset", "close", "silence"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where and how a connection breaks.

    Attributes:
        request: Bytes of the request at which it does; empty: at any.
        number: At the so many-th such request of all connections, from 1.
        when: ``before`` the server gets the request; ``between``: at once after it got it, so that its outcome is a
            race; ``after`` it has answered, with the answer lost.
        how: ``reset`` (RST on both sides), ``close`` (an orderly end of what was sent, towards the client first), or
            ``silence``: nothing arrives any more on either side, and nobody is told.
        behind: Cut the answers behind so many bytes of them instead, wherever that is; for reading.
    """

    request: bytes = b""
    number: int = 1
    when: When = "after"
    how: How = "reset"
    behind: int | None = None

    def __str__(self) -> str:
        """In words."""
        where = f"behind {self.behind} bytes" if self.behind is not None else f"{self.when} request {self.number}"
        return f"{self.how} {where}"


class Proxy:
    """Passes connections on to a server, and cuts one of them, once. Of use as a context manager.

    Args:
        host: Of the server.
        port: Of the server.
        cut: Where to cut; None: never.

    Attributes:
        port: Where it listens, on the loopback interface.

    Example:
        >>> with Proxy("127.0.0.1", 5432, Cut(b"COMMIT")) as proxy:
        ...     url = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
    """

    def __init__(self, host: str, port: int, cut: Cut | None = None) -> None:
        self._server = (host, port)
        self._cut = cut
        self._met = 0
        self._answered = 0
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._healed = threading.Event()
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def has_cut(self) -> bool:
        """Whether it has."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the cut; whether it came."""
        return self._done.wait(seconds)

    def heal(self) -> None:
        """End the silence: the ends of the silent connection learn that it is no more."""
        self._healed.set()

    def close(self) -> None:
        """End all connections, silent ones too."""
        self._closed.set()
        self._healed.set()
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                ready, _, _ = select.select([self._listener], [], [], _LOOK)
                client = self._listener.accept()[0] if ready else None
            except (OSError, ValueError):
                return  # it was closed
            if client is not None:
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._server, 5) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        fatal = False
        while not self._closed.is_set():
            ready, _, _ = select.select([client, server], [], [], _LOOK)
            for end in ready:
                data = end.recv(_PIECE)
                if not data:
                    return
                if end is client:
                    fatal = self._is_the_one(data) or fatal
                    if fatal and self._when != "after":
                        self._break(client, server, data if self._when == "between" else b"")
                        return
                    server.sendall(data)
                elif fatal or self._behind(data):
                    self._break(client, server, b"")
                    return
                else:
                    client.sendall(data)

    @property
    def _when(self) -> When:
        assert self._cut is not None
        return self._cut.when

    def _is_the_one(self, data: bytes) -> bool:
        cut = self._cut
        if cut is None or cut.behind is not None or cut.request not in data:
            return False
        with self._lock:
            self._met += 1
            return self._met == cut.number

    def _behind(self, data: bytes) -> bool:
        cut = self._cut
        if cut is None or cut.behind is None or self.has_cut:
            return False
        with self._lock:
            self._answered += len(data)
            return self._answered >= cut.behind

    def _break(self, client: socket.socket, server: socket.socket, last: bytes) -> None:
        assert self._cut is not None
        if last:
            server.sendall(last)
        breaks: dict[How, Callable[[socket.socket, socket.socket], object]] = {
            "reset": _reset,
            "close": _close,
            "silence": lambda _client, _server: None,
        }
        breaks[self._cut.how](client, server)
        self._done.set()
        if self._cut.how == "silence":
            self._healed.wait()


def _reset(client: socket.socket, server: socket.socket) -> None:
    for end in (client, server):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.close()


def _close(client: socket.socket, server: socket.socket) -> None:
    for end in (client, server):
        end.shutdown(socket.SHUT_WR)


__all__ = ["Cut", "How", "Proxy", "When"]
