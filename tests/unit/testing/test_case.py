from typing import ClassVar

import pytest

from active_data_flow.testing.suites.case import Suite, case

TEXTS = {"purpose": "orders stay", "way": "read", "passes": "same", "requirement": "order is kept"}


class Promises(Suite):
    known: ClassVar = frozenset({"ordered", "splittable"})

    @case(**TEXTS)
    def test_always(self): ...

    @case(**TEXTS, needs=["ordered"])
    def test_order(self): ...


def test_a_case_applies_only_with_what_it_needs():
    class Plain(Promises): ...

    class Ordered(Plain):
        capabilities: ClassVar = frozenset({"ordered"})

    assert list(Plain.cases()) == ["test_always"]
    assert Plain.test_order is None
    assert list(Ordered.cases()) == ["test_always", "test_order"]
    assert Ordered.test_order is Promises.__dict__["test_order"]


def test_a_case_says_what_it_is_for():
    assert Promises.test_always.__doc__ == "orders stay\n\nWay: read\nPasses: same\nRequirement: order is kept"


def test_an_overridden_case_stays_overridden():
    class Own(Promises):
        def test_always(self):
            return "own"

    assert Own().test_always() == "own"


def test_an_unknown_capability_is_named():
    with pytest.raises(TypeError, match="Fast declares fast; capabilities are: ordered, splittable"):
        type("Fast", (Promises,), {"capabilities": frozenset({"fast"})})
