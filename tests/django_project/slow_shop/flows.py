"""Functions that records of flows may name."""

from __future__ import annotations

import time
from typing import Any

from active_data_flow import register_function


@register_function
def slowly(batch: Any) -> Any:
    """Takes a while for each batch."""
    time.sleep(0.05)
    return batch
