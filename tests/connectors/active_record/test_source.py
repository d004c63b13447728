from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from active_data_flow.connectors.active_record import ActiveRecordSource, register_queryset
from active_data_flow.connectors.active_record import querysets as registry
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.errors import ConfigurationError, PluginError
from active_data_flow.source_support.direct import read_batches
from django_models import forget, new_model


def source_of(model="shop.Price", **options):
    return ActiveRecordSource(model=model, timeout=5, **options)


def rows(source, restored=None):
    return [row for batch in read_batches(source, restored) for row in batch.data.to_pylist()]


@pytest.fixture
def shop(sqlite_database):
    from django_project.shop import models

    acme = models.Supplier.objects.create(name="Acme")
    for number, sku in enumerate("abcd"):
        supplier = acme if number % 2 else None
        models.Price.objects.create(sku=sku, name=f"name of {sku}", price=Decimal(number), supplier=supplier)
    return models


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_functions", {})


def test_all_fields_of_the_model_with_their_types(shop):
    source = source_of()
    assert [f"{field.name} {field.type}" for field in source.arrow_schema()] == [
        "id int64",
        "sku string",
        "name string",
        "price decimal128(10, 2)",
        "currency string",
        "supplier_id int64",
        "updated_at timestamp[us, tz=UTC]",
    ]
    first, second, *_ = rows(source)
    assert (first["sku"], first["price"], first["supplier_id"]) == ("a", Decimal("0.00"), None)
    assert second["supplier_id"] == shop.Supplier.objects.get().pk
    assert abs(first["updated_at"] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)


def test_only_the_needed_columns_are_asked_for(shop):
    from django.db.backends.utils import CursorWrapper

    asked, plain = [], CursorWrapper.execute
    CursorWrapper.execute = lambda self, sql, params=None: asked.append(sql) or plain(self, sql, params)
    try:
        assert rows(source_of(columns=["sku", "price"]))[1] == {"sku": "b", "price": Decimal("1.00")}
    finally:
        CursorWrapper.execute = plain
    assert not [sql for sql in asked if "currency" in sql]


def test_other_models_are_nested_values(shop):
    acme = shop.Supplier.objects.get()
    found = rows(source_of(columns=["sku", "supplier__name"]))
    assert found[:2] == [{"sku": "a", "supplier": None}, {"sku": "b", "supplier": {"name": "Acme"}}]
    found = rows(source_of(columns=["sku"], select_related=["supplier"]))
    assert found[1] == {"sku": "b", "supplier": {"id": acme.pk, "name": "Acme"}}
    with pytest.raises(ConfigurationError, match=r"both as key and as nested value"):
        source_of(columns=["supplier", "supplier__name"]).arrow_schema()
    with pytest.raises(ConfigurationError, match=r"name of model shop.Price is no foreign key"):
        source_of(columns=["name__length"]).arrow_schema()


def test_filters(shop):
    found = rows(source_of(filters={"price__gte": 1, "supplier__name": "Acme", "sku__in": ["b", "c"]}))
    assert [row["sku"] for row in found] == ["b"]
    with pytest.raises(ConfigurationError, match=r"filters: model shop.Price: Cannot resolve keyword 'colour'"):
        source_of(filters={"colour": "red"}).arrow_schema()


def test_registered_querysets_with_parameters(shop):
    from django.db.models import F

    @register_queryset
    def dear(at_least=1):
        return shop.Price.objects.filter(price__gte=at_least).annotate(doubled=F("price") * 2)

    source = source_of(queryset="dear", parameters={"at_least": 2}, columns=["sku", "doubled"])
    assert rows(source) == [{"sku": "c", "doubled": Decimal("4.00")}, {"sku": "d", "doubled": Decimal("6.00")}]
    with pytest.raises(PluginError, match=r"no queryset 'daer' is registered; did you mean dear"):
        source_of(queryset="daer").arrow_schema()
    with pytest.raises(ConfigurationError, match=r"queryset dear can't be called with them"):
        source_of(queryset="dear", parameters={"at_most": 2}).arrow_schema()
    register_queryset(lambda: shop.Price.objects.all()[:2], "sliced")
    with pytest.raises(ConfigurationError, match=r"sliced"):
        source_of(queryset="sliced").arrow_schema()
    register_queryset(lambda: [1, 2], "listed")
    with pytest.raises(ConfigurationError, match=r"gives list, not a queryset of model shop.Price"):
        source_of(queryset="listed").arrow_schema()


def test_managers(sqlite_database):
    from django.db import models

    class Live(models.Manager):
        def get_queryset(self):
            return super().get_queryset().filter(live=True)

    made = new_model({"live": models.BooleanField(), "all": models.Manager(), "lively": Live()})
    try:
        made.all.bulk_create([made(live=True), made(live=False)])
        name = f"shop.{made.__name__}"
        assert len(rows(source_of(name))) == 2
        assert [row["live"] for row in rows(source_of(name, manager="lively"))] == [True]
        with pytest.raises(ConfigurationError, match=r"has no manager livly; did you mean lively"):
            source_of(name, manager="livly").arrow_schema()
    finally:
        forget([made])


def test_by_a_cursor_only_what_is_new_is_read(shop):
    def read(states):
        batches = list(read_batches(source, states))
        split = {"source": "shop.Price", "part": "cursor", "order": ["updated_at", "id"]}
        full = {"generation": 0, "index": 0, "bounds": []} | split
        states = {batch.split_id: SplitState(full, batch.position) for batch in batches}
        return [row["sku"] for batch in batches for row in batch.data.to_pylist()], states

    source = source_of(cursor="updated_at", batch_size=3)
    same = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    shop.Price.objects.update(updated_at=same)  # all alike: the key tells them apart
    first, states = read({})
    assert first == list("abcd")
    assert read(states)[0] == []
    shop.Price.objects.filter(sku="b").update(updated_at=same + dt.timedelta(microseconds=1))
    shop.Price.objects.create(sku="e", name="e", price=5)
    assert read(states)[0] == ["b", "e"]


def test_settling(shop):
    assert rows(source_of(cursor="updated_at", settle=3600)) == []
    shop.Price.objects.filter(sku="a").update(updated_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=2))
    assert [row["sku"] for row in rows(source_of(cursor="updated_at", settle=3600))] == ["a"]


def test_rows_without_a_cursor_value(sqlite_database):
    from django.db import models

    made = new_model({"word": models.CharField(max_length=9), "seen": models.IntegerField(null=True)})
    try:
        made.objects.bulk_create([made(word="a", seen=2), made(word="b"), made(word="c", seen=1), made(word="d")])
        name = f"shop.{made.__name__}"
        assert [row["word"] for row in rows(source_of(name, cursor="seen"))] == ["b", "d", "c", "a"]
        assert [row["word"] for row in rows(source_of(name, cursor="seen", cursor_nulls="skip"))] == ["c", "a"]
    finally:
        forget([made])


def test_uuid_keys_are_split_and_resumed(sqlite_database):
    import uuid

    from django.db import models

    made = new_model({"id": models.UUIDField(primary_key=True, default=uuid.uuid4), "n": models.IntegerField()})
    try:
        made.objects.bulk_create([made(n=number) for number in range(50)])
        source = source_of(f"shop.{made.__name__}", splits=4, batch_size=7)
        batches = list(read_batches(source))
        assert sorted(row["n"] for batch in batches for row in batch.data.to_pylist()) == list(range(50))
        assert len({batch.split_id for batch in batches}) == 4
    finally:
        forget([made])


def test_a_value_that_does_not_fit_is_rejected(sqlite_database):
    from django.db import connection, models

    made = new_model({"word": models.TextField(), "number": models.BigIntegerField()})
    try:
        made.objects.bulk_create([made(word=word, number=1) for word in "ab"])
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {made._meta.db_table} SET number = 'many' WHERE word = 'a'")
        (batch, _) = read_batches(source_of(f"shop.{made.__name__}"))
        assert [row["word"] for row in batch.data.to_pylist()] == ["b"]
        (reject,) = batch.rejects
        assert (reject.field, reject.record["number"]) == ("number", "many")
    finally:
        forget([made])


def test_what_checking_and_explaining_tell(shop):
    connected, columns, order = source_of(cursor="updated_at").check()
    assert "model shop.Price has 4 rows" in connected
    assert "7 columns to read" in columns
    assert order == "read in the order of updated_at, id"
    assert "settle" in source_of(cursor="updated_at").split_notes()[-1]
    assert source_of().reads_again()
    assert not source_of(cursor="updated_at").reads_again()
    assert source_of(cursor="updated_at").variant == "active_record:sqlite:cursor"
    with pytest.raises(ConfigurationError, match=r"cursor: model shop.Price has no field updated; did you mean"):
        source_of(cursor="updated").check()


def test_options_that_do_not_go_together():
    for options, message in (
        ({"manager": "objects", "queryset": "q"}, "either a manager or a queryset"),
        ({"parameters": {"a": 1}}, "parameters belong to a queryset"),
        ({"splits": 2, "cursor": "id"}, "a cursor is read as one split"),
        ({"follow": True}, "follow needs a cursor"),
        ({"settle": "5s"}, "settle needs a cursor"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            source_of(**options)
