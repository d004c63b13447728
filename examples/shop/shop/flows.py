"""The shop's flows; the heartbeat finds them here."""

from django.conf import settings

from active_data_flow import DataFlow, ErrorPolicy, FileSink, FileSource
from active_data_flow.connectors.active_record import ActiveRecordSink, ActiveRecordSource
from active_data_flow.connectors.cache import CacheSink
from active_data_flow.core.schedule import every

COLUMNS = {"sku": "string", "name": "string", "price": "decimal(10,2)", "currency": "string", "supplier": "string"}


class PriceFeed(DataFlow):
    """What suppliers send becomes prices: new ones are added, known ones changed, bad ones set aside."""

    source = FileSource(path=f"{settings.DATA}/feeds/*.csv", schema=COLUMNS)
    sink = ActiveRecordSink(model="shop.Price", mode="upsert", unique_by=["sku"], references={"supplier": "name"})
    schedule = every(minutes=5)
    priority = 10
    on_error = ErrorPolicy(reject=True, max_reject_share=0.1)

    def transform(self, price):
        """One price at a time, in plain Python."""
        price["name"] = price["name"].strip().capitalize()
        return price


class PricesIntoCache(DataFlow):
    """What has changed since the last run goes into the cache, from which pages are served."""

    source = ActiveRecordSource(model="shop.Price", cursor="updated_at", select_related=["supplier"])
    sink = CacheSink(key_attribute="sku", prefix="price:", expires_in="never")
    schedule = every(minutes=1)


class PriceList(DataFlow):
    """All prices as one file for the shop's partners."""

    source = ActiveRecordSource(model="shop.Price", columns=["sku", "name", "price", "currency", "supplier__name"])
    sink = FileSink(path=f"{settings.DATA}/price-list.json", mode="replace")
    schedule = every(hours=1)
