"""The shop's flows."""

from __future__ import annotations

import os
from typing import Any

from active_data_flow import DataFlow, FileSource, SqlSink, every


class PriceSync(DataFlow):
    """Prices of a supplier, without those that are none."""

    source = FileSource(path=os.environ.get("SHOP_FEEDS", "feeds") + "/*.csv")
    sink = SqlSink(url="env:SHOP_DATABASE", table="prices")
    schedule = every(minutes=5)
    lowest: float = 0.0

    def transform(self, message: Any) -> Any:
        return message if message["price"] > self.lowest else None


class Unscheduled(PriceSync):
    """The same, only when it is asked for."""

    schedule = None


class Abstract(DataFlow):
    """Has no source yet: not a flow by itself."""
