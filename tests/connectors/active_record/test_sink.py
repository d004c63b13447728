from __future__ import annotations

import datetime as dt
import uuid
from contextlib import contextmanager
from decimal import Decimal

import pyarrow as pa
import pytest

from active_data_flow.connectors.active_record import ActiveRecordSink
from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ConfigurationError, RecordError, SchemaError, SinkError, SinkUnavailableError
from active_data_flow.core.policies import Drift, SchemaContract
from active_data_flow.core.sink import WriterContext
from connectors.active_record.writing import FLOW, reasons, write
from django_models import forget, key, new_model

BOTH = pytest.mark.parametrize("trusted", [False, True], ids=["validated", "trusted"])
UPSERT = {"mode": "upsert", "unique_by": ["sku"]}


def price(sku, **values):
    return {"sku": sku, "name": f"name of {sku}", "price": Decimal("1.50"), **values}


def sink_of(model="shop.Price", **options):
    return ActiveRecordSink(model=model, timeout=5, **options)


@pytest.fixture
def shop(sqlite_database):
    from django_project.shop import models

    return models


@pytest.fixture
def model(sqlite_database):
    made = []

    def make(fields, **extra):
        made.append(new_model(fields, **extra))
        return made[-1], f"shop.{made[-1].__name__}"

    yield make
    forget(made)


@contextmanager
def receiving(signal, sender, receiver):
    signal.connect(receiver, sender=sender, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver, sender=sender)


@BOTH
def test_fields_that_the_data_lacks_are_filled(database, trusted):
    from django_project.shop.models import Price

    assert write(sink_of(trusted=trusted), [price("a")]) == []
    (row,) = Price.objects.all()
    assert (row.currency, row.supplier, row.price) == ("NOK", None, Decimal("1.50"))
    assert abs(row.updated_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)


@BOTH
def test_bad_records_are_rejected_with_their_fields_and_the_others_are_written(database, trusted):
    from django_project.shop.models import Price

    write(sink_of(trusted=trusted), [price("there")])
    rejects = write(
        sink_of(trusted=trusted), [price("a"), price("there"), price("b", name=None), price("c", price=Decimal(10**9))]
    )
    named = "sku" if database.vendor != "mariadb" or not trusted else None  # it tells the index only
    assert {reject.record["sku"]: reject.field for reject in rejects} == {"b": "name", "c": "price", "there": named}
    assert all("shop.Price" in reject.error or reject.field == "price" for reject in rejects)
    assert set(Price.objects.values_list("sku", flat=True)) == {"a", "there"}


def test_validation_says_what_full_clean_says(shop):
    rejects = write(sink_of(), [price("", name="x" * 101), price("a", name=""), price("b"), price("b")])
    assert reasons(rejects) == [
        (
            None,
            (
                "shop.Price: sku: This field cannot be blank.; "
                "name: Ensure this value has at most 100 characters (it has 101)."
            ),
        ),
        ("name", "shop.Price: name: This field cannot be blank."),
        ("sku", "shop.Price: sku: Price with this Sku already exists."),
    ]
    assert {reject.error_type for reject in rejects} == {"ValidationError"}


def test_a_batch_is_validated_with_few_queries(shop):
    from django.db.backends.utils import CursorWrapper

    asked = []

    def count(self, sql, params=None):
        asked.append(sql)
        return plain(self, sql, params)

    plain = CursorWrapper.execute
    CursorWrapper.execute = count
    try:
        assert write(sink_of(references={"supplier": "name"}), [price(str(n)) for n in range(500)]) == []
    finally:
        CursorWrapper.execute = plain
    assert shop.Price.objects.count() == 500
    assert len(asked) < 15


@BOTH
def test_foreign_keys_by_key_and_by_name(database, trusted):
    from django_project.shop.models import Price, Supplier

    acme = Supplier.objects.create(name="Acme")
    assert write(sink_of(trusted=trusted), [price("a", supplier_id=acme.pk), price("b", supplier_id=None)]) == []
    assert write(sink_of(trusted=trusted), [price("c", supplier=acme.pk)]) == []
    by_name = sink_of(trusted=trusted, references={"supplier": "name"})
    rejects = write(by_name, [price("d", supplier="Acme"), price("e", supplier="Nobody"), price("f", supplier=None)])
    assert [(reject.field, reject.record["supplier"]) for reject in rejects] == [("supplier", "Nobody")]
    assert "no supplier with name 'Nobody'" in rejects[0].error
    found = dict(Price.objects.values_list("sku", "supplier__name"))
    assert found == {"a": "Acme", "b": None, "c": "Acme", "d": "Acme", "f": None}


@BOTH
def test_a_key_that_points_to_nothing_is_rejected_alone(database, trusted):
    from django_project.shop.models import Price

    rejects = write(sink_of(trusted=trusted), [price("a", supplier_id=999), price("b", supplier_id=None)])
    assert [reject.record["sku"] for reject in rejects] == ["a"]
    assert list(Price.objects.values_list("sku", flat=True)) == ["b"]


@BOTH
def test_upsert_changes_what_is_given_and_nothing_else(database, trusted):
    from django_project.shop.models import Price

    sink = sink_of(trusted=trusted, **UPSERT)
    assert write(sink, [price("a", currency="EUR")], [price("b")]) == []
    before = dict(Price.objects.values_list("sku", "pk"))
    assert write(sink, [price("a", name="new"), price("c"), price("a", name="newest")]) == []
    found = {row.sku: row for row in Price.objects.all()}
    assert (found["a"].pk, found["a"].name, found["a"].currency) == (before["a"], "newest", "EUR")
    assert (found["c"].name, found["c"].currency) == ("name of c", "NOK")
    only = sink_of(trusted=trusted, update_only=["price"], **UPSERT)
    write(only, [price("b", name="not this", price=Decimal("9.00")), price("d", name="this")])
    found = {row.sku: row for row in Price.objects.all()}
    assert (found["b"].name, found["b"].price, found["d"].name) == ("name of b", Decimal("9.00"), "this")


@BOTH
def test_keys_alone_change_nothing_of_rows_that_are_there(model, trusted):
    from django.db import models

    made, name = model({"sku": models.CharField(max_length=9, unique=True), "stock": models.IntegerField(default=7)})
    made.objects.create(sku="a", stock=3)
    assert write(sink_of(name, trusted=trusted, **UPSERT), [{"sku": "a"}, {"sku": "b"}]) == []
    assert dict(made.objects.values_list("sku", "stock")) == {"a": 3, "b": 7}


def test_an_update_that_is_not_valid_leaves_the_row(shop):
    write(sink_of(**UPSERT), [price("a")])
    rejects = write(sink_of(**UPSERT), [price("a", name=""), price("b")])
    assert reasons(rejects) == [("name", "shop.Price: name: This field cannot be blank.")]
    assert dict(shop.Price.objects.values_list("sku", "name")) == {"a": "name of a", "b": "name of b"}


@BOTH
def test_upsert_needs_a_unique_index(shop, trusted):
    sink = sink_of(mode="upsert", unique_by=["name"], trusted=trusted)
    with pytest.raises(SinkError, match=r'no unique index on \(name\).*UniqueConstraint\(fields=\["name"\]'):
        write(sink, [price("a")])


def test_signals_are_sent_with_the_row_in_its_transaction(shop):
    from django.db.models.signals import post_save, pre_save

    told = []

    def before(sender, instance, using, **_):
        instance.name = instance.name.upper()

    def after(sender, instance, created, **_):
        told.append((instance.sku, instance.pk, created))
        shop.Supplier.objects.get_or_create(name=instance.sku)

    write(sink_of(), [price("old")])
    with receiving(pre_save, shop.Price, before), receiving(post_save, shop.Price, after):
        assert write(sink_of(**UPSERT), [price("old"), price("new")]) == []
    keys = dict(shop.Price.objects.values_list("sku", "pk"))
    assert sorted(told) == [("new", keys["new"], True), ("old", keys["old"], False)]
    assert set(shop.Price.objects.values_list("name", flat=True)) == {"NAME OF OLD", "NAME OF NEW"}
    assert set(shop.Supplier.objects.values_list("name", flat=True)) == {"old", "new"}


def test_a_receiver_that_fails_rejects_its_record_and_undoes_it(shop):
    from django.db.models.signals import post_save

    def after(sender, instance, **_):
        shop.Supplier.objects.create(name=instance.sku)
        if instance.sku == "b":
            raise LookupError("no such thing")

    with receiving(post_save, shop.Price, after):
        rejects = write(sink_of(), [price(sku) for sku in "abc"])
    assert reasons(rejects) == [(None, "shop.Price: LookupError: no such thing")]
    assert rejects[0].error_type == "LookupError"
    assert sorted(shop.Price.objects.values_list("sku", flat=True)) == ["a", "c"]
    assert sorted(shop.Supplier.objects.values_list("name", flat=True)) == ["a", "c"]


def test_trusted_rows_pass_validation_and_signals_by(shop):
    from django.db.models.signals import post_save

    told = []
    with receiving(post_save, shop.Price, lambda **_: told.append(1)):
        assert write(sink_of(trusted=True), [price("a", name="")]) == []
    assert told == []
    assert shop.Price.objects.get().name == ""


def test_a_model_with_a_save_of_its_own_is_saved_by_it(model):
    from django.db import models

    def save(self, **options):
        self.word = self.word[::-1]
        super(type(self), self).save(**options)

    made, name = model({"word": models.CharField(max_length=9, unique=True)}, save=save)
    rejects = write(sink_of(name), [{"word": "ab"}, {"word": "cd"}, {"word": "ba"}])
    assert sorted(made.objects.values_list("word", flat=True)) == ["ab", "ba", "dc"]
    assert rejects == []


def test_code_of_the_model_that_fails_rejects_its_record(model):
    from django.core.exceptions import ValidationError
    from django.db import models

    def clean(self):
        if self.number == 1:
            raise ValidationError({"number": "not one"})
        if self.number == 2:
            raise RuntimeError("two")

    made, name = model({"number": models.IntegerField()}, clean=clean)
    rejects = write(sink_of(name), [{"number": number} for number in range(4)])
    assert reasons(rejects) == [("number", f"{name}: number: not one"), (None, f"{name}: RuntimeError: two")]
    assert sorted(made.objects.values_list("number", flat=True)) == [0, 3]


def test_constraints_of_several_fields_and_with_conditions(model):
    from django.db import models

    fields = {"shop": models.IntegerField(), "sku": models.CharField(max_length=9), "live": models.BooleanField()}
    both = models.UniqueConstraint(fields=["shop", "sku"], name="of_shop")
    live = models.UniqueConstraint(
        fields=["sku"], condition=models.Q(live=True), name="live_once", violation_error_message="one is live"
    )
    made, name = model(fields, constraints=[both, live])
    rows = [(1, "a", True), (2, "a", False), (1, "a", False), (3, "a", True)]
    rejects = write(sink_of(name), [{"shop": shop, "sku": sku, "live": is_live} for shop, sku, is_live in rows])
    assert [(reject.record["shop"], reject.error) for reject in rejects] == [
        (
            1,
            f"{name}: T with this Shop and Sku already exists.".replace(
                "T ", f"{made._meta.verbose_name.capitalize()} "
            ),
        ),
        (3, f"{name}: one is live"),
    ]
    assert made.objects.count() == 2


@BOTH
def test_fields_of_all_kinds(database, trusted):
    from django.db import models

    moment = dt.datetime(2024, 7, 1, 12, 30, tzinfo=dt.UTC)
    made = new_model(
        {
            "code": models.UUIDField(default=uuid.uuid4),
            "made_of": models.UUIDField(),
            "document": models.JSONField(default=dict),
            "took": models.DurationField(),
            "address": models.GenericIPAddressField(),
            "at": models.DateTimeField(db_column="moment"),
            "naive": models.DateTimeField(),
            "time": models.TimeField(),
            "raw": models.BinaryField(),
            "created": models.DateTimeField(auto_now_add=True),
            "small": models.PositiveSmallIntegerField(),
            "double": models.GeneratedField(
                expression=models.F("small") * 2, output_field=models.IntegerField(), db_persist=True
            ),
        }
    )
    known = uuid.uuid4()
    row = {
        "made_of": str(known).upper(),
        "document": {"a": [1, None], "b": "x"},
        "took": dt.timedelta(days=-1, microseconds=5),
        "address": "10.0.0.1",
        "at": moment.astimezone(dt.timezone(dt.timedelta(hours=5))),
        "naive": moment.replace(hour=14, tzinfo=None),  # of the project: Europe/Oslo
        "time": dt.time(1, 2, 3),
        "raw": b"\x00\xff",
        "small": 21,
    }
    try:
        name = f"shop.{made.__name__}"
        bad = row | {"made_of": "no uuid"}
        rejects = write(sink_of(name, trusted=trusted), [row, row, bad])
        assert [(reject.field, reject.error) for reject in rejects] == [("made_of", "made_of: 'no uuid' is no UUID")]
        first, second = made.objects.filter(at=moment, naive=moment, made_of=known, time=dt.time(1, 2, 3))
        assert first.code != second.code
        assert (first.document, first.took, first.address) == (row["document"], row["took"], "10.0.0.1")
        assert (bytes(first.raw), first.double) == (b"\x00\xff", 42)
        assert abs(first.created - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
        assert write(sink_of(name, trusted=trusted), [row | {"document": '{"text": 1}'}]) == []
        assert made.objects.filter(document__text=1).count() == 1
        rejects = write(sink_of(name, trusted=trusted), [row | {"document": "{no json"}])
        assert len(rejects) == 1
    finally:
        forget([made])


@BOTH
def test_custom_fields_store_values_their_own_way(model, trusted):
    from django.db import models

    class Reversed(models.CharField):
        def get_prep_value(self, value):
            return value[::-1]

        def from_db_value(self, value, expression, connection):
            return value[::-1]

    made, name = model({"word": Reversed(max_length=9)})
    assert write(sink_of(name, trusted=trusted), [{"word": "abc"}]) == []
    assert made.objects.get().word == "abc"
    assert made.objects.extra(where=["word = 'cba'"]).count() == 1


@BOTH
def test_columns_that_the_model_lacks(shop, trusted):
    sink, rows = sink_of(trusted=trusted), [price("a", colour="red"), price("b", colour=None)]
    with pytest.raises(SchemaError, match=r"shop.Price has no field for colour; add one and migrate"):
        write(sink, rows)
    rejects = write(sink, rows, contract=SchemaContract(column=Drift.FREEZE))
    assert [reject.field for reject in rejects] == ["colour"]
    assert write(sink, rows[:1], contract=SchemaContract(column=Drift.DISCARD)) == []
    assert sorted(shop.Price.objects.values_list("sku", flat=True)) == ["a", "b"]


@BOTH
def test_a_column_that_the_model_needs(shop, trusted):
    rows = pa.record_batch({"sku": ["a"]})
    with pytest.raises(SinkError, match=r"needs a value for price, but the data has no such column; it has sku"):
        write(sink_of(trusted=trusted), rows) if trusted else write(sink_of(), rows)


def test_a_table_that_is_not_what_the_model_says(model):
    from django.db import connection, models

    made, name = model({"id": key(), "word": models.TextField()})
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {made._meta.db_table} DROP COLUMN word")
    with pytest.raises(SinkError, match=r"lacks columns of model .*: word; manage.py migrate"):
        sink_of(name).check()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {made._meta.db_table}")
    with pytest.raises(SinkError, match=r"has no table .*; manage.py migrate"):
        write(sink_of(name), [{"id": 1, "word": "a"}])


def test_names_that_are_not_there(shop):
    for options, message in (
        ({"model": "shop.Prcie"}, "no model shop.Prcie; did you mean shop.Price"),
        ({"unique_by": ["suk"], "mode": "upsert"}, "unique_by: model shop.Price has no field suk; did you mean sku"),
        ({"references": {"sku": "name"}}, "references: sku of model shop.Price is no foreign key"),
        ({"references": {"supplier": "nme"}}, "references: supplier: model shop.Supplier has no field nme"),
        ({"database": "elsewhere"}, "no database 'elsewhere'"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            sink_of(**options).check()
    with pytest.raises(ConfigurationError, match=r"named by its app and class"):
        sink_of("Price")
    with pytest.raises(ConfigurationError, match="unique_by names the key fields of mode upsert"):
        sink_of(mode="upsert")


def test_single_messages(shop):
    sink_of().write(price("a"))
    with pytest.raises(RecordError, match=r"Price with this Sku already exists") as refused:
        sink_of().write(price("a"))
    assert refused.value.field == "sku"
    assert shop.Price.objects.count() == 1


def test_callbacks_run_when_rows_are_committed(shop):
    from django.db import transaction
    from django.db.models.signals import post_save

    told = []

    def after(instance, **_):
        transaction.on_commit(lambda: told.append(instance.sku))

    with receiving(post_save, shop.Price, after):
        writer = sink_of().open(WriterContext("", reject=print))
        writer.write(Batch(pa.RecordBatch.from_pylist([price("a")]), "", None))
        writer.flush()
        assert told == []
        writer.publish()
        assert told == ["a"]
        writer.close()


def test_the_connection_of_the_thread_is_left_alone(shop):
    from django.db import connection, connections
    from django.db.models.signals import post_save

    shop.Price.objects.count()
    mine, used = connection.connection, []
    with receiving(post_save, shop.Price, lambda **_: used.append(connections["default"].connection)):
        assert write(sink_of(), [price("a")]) == []
    assert connection.connection is mine is not None
    assert used[0] is not mine


@BOTH
def test_checking_tells_what_will_be_done(shop, trusted):
    connected, columns = sink_of(trusted=trusted).check()
    assert ("past the model" in connected) == trusted
    assert "table shop_price with 7 columns" in columns
    assert sink_of(trusted=trusted).variant == f"active_record:sqlite:append{':trusted' if trusted else ''}"


@BOTH
def test_several_databases_and_routers(sqlite_database, tmp_path, trusted):
    from django.test import override_settings

    from django_project.setup import migrate, use_databases
    from django_project.shop.models import Price

    use_databases(default=sqlite_database.url, other=f"sqlite:///{tmp_path}/other.db")
    migrate("other")
    assert write(sink_of(trusted=trusted, database="other"), [price("a")]) == []
    with override_settings(DATABASE_ROUTERS=[ToOther()]):
        assert write(sink_of(trusted=trusted), [price("b")]) == []
    assert Price.objects.using("default").count() == 0
    assert sorted(Price.objects.using("other").values_list("sku", flat=True)) == ["a", "b"]
    assert sink_of(database="other").positions(FLOW).splits


class ToOther:
    def db_for_write(self, model, **hints):
        return "other"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_row_that_vanishes_before_the_commit_is_looked_for_again(database):
    """PostgreSQL checks foreign keys at the commit: what they point to may be gone by then."""
    from django_project.shop.models import Supplier

    acme = Supplier.objects.create(name="Acme")
    writer = sink_of().open(WriterContext("", reject=print))
    writer.write(Batch(pa.RecordBatch.from_pylist([price("a", supplier_id=acme.pk)]), "", None))
    writer.flush()
    acme.delete()
    with pytest.raises(SinkUnavailableError, match="refuses the commit"):
        writer.publish()
    writer.close()


@BOTH
@pytest.mark.mariadb
@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_a_key_that_the_database_would_change_is_rejected(database, trusted):
    from django_project.shop.models import Supplier

    rejects = write(sink_of("shop.Supplier", trusted=trusted), [{"id": 0, "name": "zero"}, {"id": 1, "name": "one"}])
    assert [reject.record["id"] for reject in rejects] == [0]
    assert list(Supplier.objects.values_list("id", "name")) == [(1, "one")]
