from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.testing.crash import compare

ROWS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), max_size=12)


def test_each_kind_is_told_with_its_count_and_the_first_few():
    expected = [(number, "x") for number in range(10)]
    found = [(0, "x"), (0, "x"), (1, "y"), (77, "z")]
    comparison = compare(expected, found)
    assert str(comparison) == (
        "8 missing: (2, 'x'), (3, 'x'), (4, 'x'), …; 1 doubled: (0, 'x'); "
        "1 changed: (1, 'x') became (1, 'y'); 1 that nobody sent: (77, 'z')"
    )
    assert not comparison.exact
    assert not comparison.complete


def test_doubles_are_complete_but_not_exact():
    comparison = compare([(1, "a")], [(1, "a"), (1, "a")])
    assert comparison.complete
    assert not comparison.exact


def test_a_record_that_is_due_twice_may_be_there_twice():
    assert compare([(1, "a"), (1, "a")], iter([(1, "a"), (1, "a")])).exact
    assert compare([(1, "a"), (1, "a")], [(1, "a")]).missing == [(1, "a")]


@given(ROWS, ROWS)
def test_every_difference_is_told_once(expected, found):
    told = compare(expected, found)
    wanted, there = Counter(expected), Counter(found)
    assert Counter(told.missing) + Counter(was for was, _ in told.changed) == wanted - there
    assert Counter(told.doubled) + Counter(told.strange) + Counter(now for _, now in told.changed) == there - wanted
    assert told.exact == (wanted == there)
    assert all(was[0] == now[0] for was, now in told.changed)
