from __future__ import annotations

import re
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections

from active_data_flow.runtimes.heartbeat.api.ninja_api import make_api
from active_data_flow.runtimes.heartbeat.models import DataFlow

DOCUMENT = (Path(__file__).parents[4] / "docs" / "api.md").read_text()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(sqlite_api):
    def answer(environ, start_response):
        try:
            return list(application(environ, start_response))
        finally:
            connections.close_all()

    application = get_wsgi_application()
    with make_server("127.0.0.1", 0, answer, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/adf/api"
        server.shutdown()
        thread.join()


def test_the_example_does_what_it_says(server, sqlite_api, monkeypatch, capsys):
    feed = sqlite_api.folder / "feed.csv"
    feed.write_text("sku,price\na,1\nb,2\nc,3\n")
    monkeypatch.setenv("ADF_API", server)
    monkeypatch.setenv("ADF_API_TOKEN", sqlite_api.token("read", "run", "write"))
    monkeypatch.setenv("FEED", str(feed))
    example = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)[1]
    exec(compile(example, "docs/api.md", "exec"), {})
    assert capsys.readouterr().out == "[{'sku': 'a', 'price': 1}, {'sku': 'b', 'price': 2}]\npending\n"
    assert DataFlow.objects.get().interval == 300


def test_every_operation_is_in_the_table():
    table = DOCUMENT.split("## Operations")[1].split("## What holds")[0]
    for path in make_api().get_openapi_schema(path_prefix="/")["paths"]:
        last = path.replace("{record_id}", "{id}").rpartition("/")[2]
        assert f"/{last}`" in table, path
