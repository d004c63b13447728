from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from active_data_flow.testing.crash import Cut, Proxy


class Echo:
    """A server that answers each request, and remembers it."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.got = threading.Semaphore(0)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while data := client.recv(1000):
                self.requests.append(data)
                self.got.release()
                client.sendall(b"answer to " + data)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.listener.close()


def ask(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    return connection.recv(1000)


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), 5)


def test_without_a_cut_everything_passes(echo):
    with Proxy("127.0.0.1", echo.port) as proxy, connect(proxy) as connection:
        assert ask(connection, b"one") == b"answer to one"
        assert ask(connection, b"two") == b"answer to two"
        assert not proxy.has_cut


@pytest.mark.parametrize(("when", "arrives"), [("before", False), ("between", True), ("after", True)])
def test_a_reset_around_a_request(echo, when, arrives):
    with Proxy("127.0.0.1", echo.port, Cut(b"COMMIT", 2, when)) as proxy:
        with connect(proxy) as connection:
            assert ask(connection, b"COMMIT 1") == b"answer to COMMIT 1"
            assert ask(connection, b"other") == b"answer to other"
            with pytest.raises(ConnectionResetError):
                ask(connection, b"COMMIT 2")
        assert proxy.wait(5)
        if arrives:
            assert all(echo.got.acquire(timeout=5) for _ in range(3))
        assert (b"COMMIT 2" in echo.requests) == arrives
        with connect(proxy) as again:
            assert ask(again, b"COMMIT 3") == b"answer to COMMIT 3"


def test_an_orderly_end(echo):
    with Proxy("127.0.0.1", echo.port, Cut(b"COMMIT", how="close")) as proxy, connect(proxy) as connection:
        assert ask(connection, b"COMMIT") == b""


def test_silence_lasts_till_it_is_healed(echo):
    with Proxy("127.0.0.1", echo.port, Cut(b"COMMIT", how="silence")) as proxy, connect(proxy) as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(connection, b"COMMIT")
        proxy.heal()
        connection.settimeout(5)
        assert connection.recv(1000) == b""


def test_answers_are_cut_behind_so_many_bytes(echo):
    with Proxy("127.0.0.1", echo.port, Cut(behind=30)) as proxy:
        with connect(proxy) as connection:
            assert ask(connection, b"12345") == b"answer to 12345"
            with pytest.raises(ConnectionResetError):
                ask(connection, b"12345")
        with connect(proxy) as again:
            assert ask(again, b"123456789") == b"answer to 123456789"
