"""What the shop's flows have made: prices in the database, entries in the cache, a price list, records set aside."""

from __future__ import annotations

import json
import os

import django


def main() -> None:
    """Show some of each."""
    from django.conf import settings
    from django.core.cache import cache

    from active_data_flow.connectors.cache import read_value
    from active_data_flow.runtimes.heartbeat.models import DataFlow, RejectedRecord
    from shop.models import Price

    print(f"{Price.objects.count()} prices; the first: {Price.objects.first()}")
    print(f"in the cache: {read_value(cache.get('price:T-001'))}")
    listed = json.loads((settings.DATA / "price-list.json").read_text())
    print(f"in the price list: {len(listed)}; the first: {listed[0]}")
    for reject in RejectedRecord.objects.all():
        print(f"set aside: {reject.record}\n           {reject.error}")
    for flow in DataFlow.objects.order_by("pk"):
        print(f"{flow.name} runs next at {flow.next_run_at:%H:%M:%S} UTC")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main()
