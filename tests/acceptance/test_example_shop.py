"""The example project, from nothing to a second heartbeat, in processes of its own as a newcomer would start them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

CLEAN = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}  # other tests set it
ROOT = Path(__file__).parents[2]
REQUESTS = """
from django.test import Client
from active_data_flow.runtimes.heartbeat.security.tokens import Scope, create_token
record, token = create_token("pinger", [Scope.HEARTBEAT])
client = Client(SERVER_NAME="localhost")
beat = {"path": "/adf/heartbeat", "data": {}, "content_type": "application/json"}
print(client.post(**beat).status_code)
print(client.post(**beat, headers={"authorization": f"Bearer {token}"}).json()["flows_due"])
print(client.get("/prices/T-001").json()["price"], client.get("/prices/T-999").status_code)
"""


# a dozen processes, each of which begins a Django project
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example") / "shop"
    shutil.copytree(ROOT / "examples" / "shop", folder, ignore=shutil.ignore_patterns("data", "__pycache__"))
    return folder


def python(folder, *arguments):
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def query(path, sql, *values):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(sql, values).fetchall()
        connection.commit()
    return rows


def next_runs_at(shop, moment):
    """Have all flows run next at a moment."""
    query(shop / "data" / "shop.db", "UPDATE active_data_flow_dataflow SET next_run_at = ?", moment)


def a_newcomer_starts_it_with_one_command(shop):
    said = python(shop, "run.py")
    assert "3 due, 3 triggered, 0 remaining" in said
    assert said.count(" success") == 3
    assert "200 prices; the first: T-001: 47.10 NOK" in said
    assert "in the cache: {'id': 1, 'sku': 'T-001', 'name': 'Black tea', 'price': 47.1" in said
    assert "in the price list: 200; the first: {'sku': 'T-001'" in said
    assert "there is no supplier with name 'Nobody'" in said
    assert said.count("set aside: ") == 2
    assert "Where to look" in said


def what_comes_in_later_goes_the_same_way(shop):
    (shop / "data" / "feeds" / "prices-2.csv").write_text(
        "sku,name,price,currency,supplier\nT-001,black tea,39.90,NOK,Nordic Tea\nT-300,mate,20.00,NOK,Bean & Leaf\n"
    )
    next_runs_at(shop, "2020-01-01 00:00:00")
    result = json.loads(python(shop, "manage.py", "adf_heartbeat", "--max-flows", "3", "--json"))
    next_runs_at(shop, "2100-01-01 00:00:00")
    assert [(run["flow"], run["status"]) for run in result["triggered"]] == [
        ("price_feed", "success"),
        ("prices_into_cache", "success"),
        ("price_list", "success"),
    ]
    written = "SELECT records_written FROM active_data_flow_dataflowrun ORDER BY id DESC LIMIT 3"
    assert query(shop / "data" / "shop.db", written) == [(201,), (2,), (2,)]
    prices = "SELECT sku, price FROM shop_price WHERE sku IN ('T-001', 'T-300') ORDER BY sku"
    assert query(shop / "data" / "shop.db", prices) == [("T-001", 39.9), ("T-300", 20)]
    assert len(list((shop / "data" / "cache").glob("*.djcache"))) == 201
    listed = {price["sku"]: price for price in json.loads((shop / "data" / "price-list.json").read_text())}
    assert (listed["T-001"]["price"], len(listed)) == (39.9, 201)


def it_is_served_from_the_cache_and_takes_heartbeats_by_http(shop):
    said = python(shop, "manage.py", "shell", "--verbosity", "0", "-c", REQUESTS)
    assert said.split() == ["401", "0", "39.9", "404"]


def running_it_again_does_no_harm(shop):
    said = python(shop, "run.py")
    assert "0 due, 0 triggered, 0 remaining" in said
    assert "201 prices; the first: T-001: 39.90 NOK" in said


def the_project_is_in_order(shop):
    assert "no issues" in python(shop, "manage.py", "check", "--database", "default")
    assert "No changes" in python(shop, "manage.py", "makemigrations", "--check", "--dry-run")


def test_from_nothing_to_a_second_heartbeat(shop):
    a_newcomer_starts_it_with_one_command(shop)
    what_comes_in_later_goes_the_same_way(shop)
    it_is_served_from_the_cache_and_takes_heartbeats_by_http(shop)
    running_it_again_does_no_harm(shop)
    the_project_is_in_order(shop)
