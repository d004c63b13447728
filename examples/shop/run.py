"""`make shop`: a Django project whose prices come from its suppliers' files and go into its cache and a price list.

It sets everything up in data/, sends a heartbeat, and says where to look. It may be run again and again.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE / "data"
NAMES = ["green tea", " black tea", "coffee", "cocoa"]
SUPPLIERS = ["Nordic Tea", "Bean & Leaf"]
WHERE = f"""
Where to look, in {os.path.relpath(HERE)}/
  shop/flows.py                               the three flows
  data/                                       what they read and write; run.py --anew begins without it
  python manage.py adf_heartbeat --every 10s  runs what is due; meanwhile put another file into data/feeds/
  python look.py                              shows what came of it
  python manage.py createsuperuser            then, with the next, http://127.0.0.1:8000/admin/ shows flows and runs,
  python manage.py runserver                  and http://127.0.0.1:8000/prices/T-001 comes from the cache
  python manage.py adf_token create pinger    makes a token, with which a pinger may POST to /adf/heartbeat"""


def prices() -> Iterator[list[str]]:
    """What the suppliers send: good prices, and two that are not."""
    for number in range(1, 201):
        kind, price = number % len(NAMES), f"{10 + number * 37 % 90}.{number % 10}0"
        yield [f"T-{number:03}", NAMES[kind], price, "NOK", SUPPLIERS[number % 2]]
    yield ["T-201", "tea", "-5.00", "NOK", SUPPLIERS[0]]
    yield ["T-202", "tea", "5.00", "NOK", "Nobody"]


def write_feed() -> None:
    """The first file that comes in."""
    feed = DATA / "feeds" / "prices-1.csv"
    if feed.exists():
        return
    feed.parent.mkdir(parents=True, exist_ok=True)
    with feed.open("w", newline="") as file:
        csv.writer(file).writerows([["sku", "name", "price", "currency", "supplier"], *prices()])
    print(f"202 prices in {os.path.relpath(feed)}", flush=True)


def python(*arguments: str) -> None:
    """Run a program as one would type it, and show it."""
    print(f"\n$ python {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, *arguments], cwd=HERE, check=True)


def main() -> None:
    """Set up, send a heartbeat, look."""
    if "--anew" in sys.argv:
        shutil.rmtree(DATA, ignore_errors=True)
    write_feed()
    python("manage.py", "migrate", "--verbosity", "0")
    python("manage.py", "loaddata", "suppliers")
    python("manage.py", "adf_heartbeat")
    python("look.py")
    print(WHERE)


if __name__ == "__main__":
    main()
