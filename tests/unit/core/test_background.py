"""Work in a thread of its own."""

from __future__ import annotations

import threading

import pytest

from active_data_flow.core.background import Background


def test_things_are_done_one_after_the_other_in_order():
    done: list[int] = []
    background = Background("test", most=3)
    for number in range(50):
        background.start(lambda number=number: done.append(number))
    background.wait()
    assert done == list(range(50))


def test_no_more_are_under_way_than_said():
    gate, begun = threading.Event(), threading.Event()
    background = Background("test", most=2)
    background.start(lambda: gate.wait(10))
    background.start(lambda: None)
    third = threading.Thread(target=lambda: (background.start(lambda: None), begun.set()))
    third.start()
    assert not begun.wait(0.1), "the first is not done yet"
    gate.set()
    third.join(10)
    assert begun.is_set()
    background.wait()


def test_a_failure_is_raised_and_what_was_to_follow_is_left_undone():
    gate = threading.Event()
    done: list[str] = []
    background = Background("test", most=3)

    def fail() -> None:
        gate.wait(10)
        raise ValueError("first")

    background.start(fail)
    background.start(lambda: done.append("second"))
    background.start(lambda: done.append("third"))
    gate.set()
    with pytest.raises(ValueError, match="first"):
        background.wait()
    left = len(done)
    background.wait()  # nothing is left to wait for, and nothing goes on
    assert len(done) == left
    background.start(lambda: done.append("again"))
    background.wait()
    assert done[-1] == "again"


def test_a_failure_is_raised_where_the_next_would_begin():
    background = Background("test")

    def fail() -> None:
        raise ValueError("first")

    background.start(fail)
    with pytest.raises(ValueError, match="first"):
        background.start(lambda: None)
    background.wait()
