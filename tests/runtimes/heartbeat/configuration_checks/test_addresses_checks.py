from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core.errors import ConfigurationError, SourceError, SourceUnavailableError, Then
from django_project.setup import app_settings_of, set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.configuration_checks import addresses, check_configuration  # noqa: E402
from active_data_flow.runtimes.heartbeat.configuration_checks.fetching import fetch  # noqa: E402

HTTP = {"FILE_ROOTS": [], "URL_SCHEMES": ["http", "https", "postgresql"]}


def check(url, **settings):
    with app_settings_of(**{**HTTP, **settings}):
        check_configuration("prices", {"source": {"url": url}})


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # where clouds tell machines their secrets
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "2130706433",
        "0x7f000001",
        "127.1",
        "017700000001",
    ],
)
def test_addresses_that_are_not_public_are_refused(host):
    with pytest.raises(ConfigurationError, match="not public; where that is meant, add its network") as error:
        check(f"http://{host}:8080/x")
    assert error.value.faults[0].path == ("source", "url")


def test_public_addresses_are_fine():
    check("https://1.1.1.1/prices.csv")
    check("https://[2606:4700:4700::1111]/prices.csv")
    check("postgresql://user@1.1.1.1:5432/shop?sslmode=require")


def test_private_ones_that_are_allowed_are_fine():
    check("postgresql://user@10.1.2.3/shop", PRIVATE_NETWORKS=["10.0.0.0/8"])
    with pytest.raises(ConfigurationError, match="leads to 192"):
        check("postgresql://user@192.168.1.1/shop", PRIVATE_NETWORKS=["10.0.0.0/8"])


def test_each_address_of_a_name_has_to_be_public(monkeypatch):
    # a name server of the test's own: one public address, and one that is not
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(ConfigurationError, match=r"leads to 10\.0\.0\.1"):
        check("https://two.example/")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://1.1.1.1/x", "ftp:// is not allowed; did you mean http or https.; see URL_SCHEMES"),
        ("gopher://1.1.1.1/x", "is not allowed"),
        ("JAVASCRIPT://1.1.1.1/x", "is not allowed"),
        ("  http://127.0.0.1/", "not public"),
        ("HTTP://127.0.0.1/", "not public"),
        ("postgresql:///shop", "names no host, and so leads to this machine"),
        ("postgresql://1.1.1.1/shop?host=/tmp", "parameter 'host' may not stand"),
        ("postgresql://1.1.1.1/shop?hostaddr=127.0.0.1", "parameter 'hostaddr' may not stand"),
        ("postgresql://1.1.1.1/shop?sslkey=/etc/passwd", "parameter 'sslkey' may not stand"),
        ("postgresql+psycopg://127.0.0.1/shop", "not public"),
        ("http://1.1.1.1:99999/", "no valid address"),
        ("http://[1.1.1.1/", "no valid address"),
        ("file:///etc/passwd", "FILE_ROOTS"),
    ],
)
def test_addresses_that_lead_elsewhere_are_refused(url, message):
    with pytest.raises(ConfigurationError, match=message):
        check(url)


def test_a_name_that_can_t_be_resolved_now_may_be_so_later():
    with app_settings_of(**HTTP), pytest.raises(ConfigurationError, match="can't be resolved") as error:
        addresses.resolve("https://no-such-host.invalid/", addresses_settings())
    assert error.value.then is Then.RETRY


def addresses_settings():
    from active_data_flow.runtimes.heartbeat.settings import app_settings

    return app_settings()


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text):
    url = f"gopher://{text}"
    with pytest.raises(ConfigurationError):
        addresses.check_url(url, addresses_settings())


@contextmanager
def server(answers):
    """A server; what it was asked for is in its list `asked`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            status, headers, body = answers(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}", asked
        finally:
            running.shutdown()
            thread.join()


ALLOWED = {**HTTP, "PRIVATE_NETWORKS": ["127.0.0.1/32"]}


def test_what_is_allowed_is_fetched_with_its_redirects():
    def answers(path):
        return (302, {"Location": "/b?c=1"}, b"") if path == "/a" else (200, {}, b"prices")

    with server(answers) as (url, asked), app_settings_of(**ALLOWED):
        with fetch(f"{url}/a", headers={"Authorization": "Bearer x"}) as answer:
            assert answer.read() == b"prices"
        assert asked == [("/a", "Bearer x"), ("/b?c=1", "Bearer x")]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("http://169.254.169.254/latest/meta-data/", "redirects to an address that is not allowed: .* not public"),
        ("http://[::1]/", "redirects to an address that is not allowed"),
        ("//10.0.0.1/x", "redirects to an address that is not allowed"),
        ("file:///etc/passwd", "redirects to an address that is not allowed"),
        ("ftp://1.1.1.1/", "redirects to an address that is not allowed"),
        ("/again", "redirects more than 5 times"),
    ],
)
def test_redirects_to_where_no_record_may_lead_are_not_followed(location, message):
    with server(lambda _: (302, {"Location": location}, b"")) as (url, asked), app_settings_of(**ALLOWED):
        with pytest.raises((ConfigurationError, SourceError), match=message):
            fetch(f"{url}/a")
        assert asked


def test_headers_are_not_sent_on_to_another_server():
    with server(lambda _: (200, {}, b"")) as (other, asked_other):
        with server(lambda _: (307, {"Location": f"{other}/b"}, b"")) as (url, _), app_settings_of(**ALLOWED):
            fetch(f"{url}/a", headers={"Authorization": "Bearer x"}).close()
        assert asked_other == [("/b", None)]


def test_the_name_is_asked_for_once(monkeypatch):
    asked = []

    def names(host, *_, **__):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.2", 0))]

    with server(lambda _: (200, {}, b"here")) as (url, _), app_settings_of(**ALLOWED):
        monkeypatch.setattr(addresses.socket, "getaddrinfo", names)  # a name server that changes its mind
        port = url.rpartition(":")[2]
        connect = socket.create_connection

        def connected(place, timeout):
            assert place[0] == "127.0.0.1"
            monkeypatch.undo()
            return connect(place, timeout)

        monkeypatch.setattr(socket, "create_connection", connected)
        with app_settings_of(**ALLOWED), fetch(f"http://shop.example:{port}/") as answer:
            assert answer.read() == b"here"
    assert asked == ["shop.example"]


@pytest.mark.parametrize(("status", "error"), [(404, SourceError), (503, SourceUnavailableError)])
def test_errors_are_errors(status, error):
    with server(lambda _: (status, {}, b"")) as (url, _), app_settings_of(**ALLOWED):
        with pytest.raises(error, match=str(status)) as raised:
            fetch(url)
        assert type(raised.value) is error


def test_who_does_not_answer_is_unavailable():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    with app_settings_of(**ALLOWED), pytest.raises(SourceUnavailableError, match="can't be reached"):
        fetch(url, timeout=2)
