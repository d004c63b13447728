from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "active_record.md"


def test_the_example_runs(sqlite_database, tmp_path, monkeypatch):
    from django_project.shop.models import Price, Supplier

    monkeypatch.chdir(tmp_path)
    Supplier.objects.create(name="Acme")
    Price.objects.create(sku="b", name="old", price=1)
    Path("prices.csv").write_text("sku,name,price,supplier\na,A,1.50,Acme\nb,B,2.00,\nc,C,3.00,Nobody\n")
    code = PAGE.read_text().split("```python\n")[1].split("```")[0]
    made: dict[str, Any] = {"__name__": "flows"}
    exec(code, made)
    result = made["PriceSync"]().run(directory=tmp_path / "adf")
    assert (result.records_written, result.records_rejected) == (2, 1)
    assert sorted(Price.objects.values_list("sku", "name", "supplier__name")) == [("a", "A", "Acme"), ("b", "B", None)]


def test_every_option_is_told():
    from active_data_flow import ActiveRecordSink, ActiveRecordSource

    page = PAGE.read_text()
    for component in (ActiveRecordSink, ActiveRecordSource):
        assert [name for name in component.model_fields if f"`{name}`" not in page] == []
