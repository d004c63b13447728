from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from active_data_flow.core.columns import values_of
from active_data_flow.core.values import array_of

NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(digits), exponent)),
    st.sampled_from([0, 1]),
    st.lists(st.integers(0, 9), min_size=1, max_size=45),
    st.integers(-60, 5),
)


@pytest.mark.parametrize("kind", [pa.decimal128(38, 9), pa.decimal128(12, 2), pa.decimal256(76, 40)], ids=str)
@given(number=NUMBERS)
@example(number=Decimal("44223778207334066562708191299.6570020246"))
@example(number=Decimal("1E-50"))
def test_a_decimal_is_written_exactly_or_not_at_all(kind, number):
    made = array_of([number, None], pa.field("amount", kind))
    assert made.array.to_pylist()[0] == (None if 0 in made.faults else number)
    assert values_of(made.array) == made.array.to_pylist()
