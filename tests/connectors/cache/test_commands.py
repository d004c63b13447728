"""What `docs/cache.md` shows, works; and what `adf` says where there is no project."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from active_data_flow.connectors.cache import CacheSink, read_value
from django_caches import Files

PAGE = (Path(__file__).parents[3] / "docs" / "cache.md").read_text()
FLOW, READING = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[:2]
SETTINGS = """
SECRET_KEY = "of a test"
USE_TZ = True
BACKEND = "django.core.cache.backends.filebased.FileBasedCache"
CACHES = {"default": {"BACKEND": BACKEND, "LOCATION": "cache/default", "OPTIONS": {"MAX_ENTRIES": 1000}}}
"""


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "settings.py").write_text(SETTINGS)
    (tmp_path / "flows.py").write_text(FLOW)
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "1.csv").write_text("sku,price\na-1,9.9\na-2,12.5\n")
    return tmp_path


@pytest.fixture
def adf(crash_server, shop):
    """Runs a command in the shop's folder; its exit code and what it printed."""

    def run(*arguments, settings="shop.settings"):
        output = shop / "output.txt"
        output.unlink(missing_ok=True)
        code = crash_server.adf(shop, *arguments, DJANGO_SETTINGS_MODULE=settings, COLUMNS="200")
        return code, output.read_text()

    return run


def test_the_example_of_the_page_runs_and_is_read_back(adf, shop, project):
    for command in ("check", "explain", "run"):
        code, said = adf(command, "flows.py:Prices")
        assert code == 0, said
    assert "2" in said
    store = Files(shop / "cache")
    assert sorted(store.values("default")) == ['{"sku":"a-1","price":9.9}', '{"sku":"a-2","price":12.5}']
    alias = store.new(LOCATION=str(shop / "cache" / "default"))
    from django.core.cache import caches

    names = {}
    exec(READING.replace("import cache\n", f"import caches; cache = caches[{alias!r}]\n", 1), names)
    assert names["price"] == {"sku": "a-1", "price": 9.9}
    assert caches[alias].get("price:a-2") == '{"sku":"a-2","price":12.5}'


def test_a_run_behind_it_reads_what_is_new_and_leaves_the_rest(adf, shop, project):
    adf("run", "flows.py:Prices")
    (shop / "prices" / "2.csv").write_text("sku,price\na-1,8.9\n")
    code, said = adf("run", "flows.py:Prices", "--json")
    assert json.loads(said.splitlines()[-1])["records_written"] == 1
    assert code == 0
    values = [read_value(value) for value in Files(shop / "cache").values("default")]
    assert {value["sku"]: value["price"] for value in values} == {"a-1": 8.9, "a-2": 12.5}


def test_a_guarantee_is_explained(adf):
    code, said = adf("explain", "flows.py:Prices")
    assert code == 0
    assert "effectively-once" in said
    assert "a key that is written again holds the same value" in said
    assert "entries price:{sku} in the cache default" in said


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("", "set DJANGO_SETTINGS_MODULE to the project's settings, as DJANGO_SETTINGS_MODULE=shop.settings"),
        ("shpo.settings", "can't set up the Django project of DJANGO_SETTINGS_MODULE=shpo.settings"),
    ],
)
def test_without_a_project_it_says_what_to_do(adf, settings, message):
    for command in ("check", "run"):
        code, said = adf(command, "flows.py:Prices", settings=settings)
        assert code in (1, 2)
        assert message in " ".join(said.replace("│", " ").split())


def test_a_document_that_asks_for_pickle_is_refused(adf, shop):
    (shop / "flow.yaml").write_text(
        "name: prices\n"
        "source: {type: file, path: 'prices/*.csv'}\n"
        "sink: {type: cache, key_attribute: sku, format: pickle}\n"
    )
    code, said = adf("run", "flow.yaml")
    assert code == 2
    assert "chosen in Python code alone" in " ".join(said.replace("│", " ").split())
    code, said = adf("run", "flows.py:Prices", "--set", "sink.format=pickle")
    assert code == 2
    assert "chosen in Python code alone" in " ".join(said.replace("│", " ").split())


def test_every_option_is_on_the_page():
    options = set(CacheSink.model_fields)
    told = set(re.findall(r"`(\w+)`", PAGE.partition("## Options")[2].partition("## Values")[0]))
    assert options <= told
