"""What a cache takes of keys and values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from active_data_flow.core.kernels import pc

_SEPARATORS = "[\\x00-\\x20\\x7f]"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cache takes; by default anything.

    Attributes:
        name: Whose limits they are, for errors.
        key_bytes: Bytes of a key as it is sent.
        value_bytes: Bytes of a value.
        sent: The key that is sent for one of ours.
    """

    name: str = "the cache"
    key_bytes: int | None = None
    value_bytes: int | None = None
    sent: Callable[[str], str] = str

    def refused_keys(self, keys: pa.StringArray) -> dict[int, str]:
        """Rows whose keys it does not take -> why not."""
        if self.key_bytes is None:
            return {}
        sent = pa.array([None if key is None else self.sent(key) for key in keys.to_pylist()], pa.string())
        lengths = pc.fill_null(pc.binary_length(sent), 0).to_numpy(zero_copy_only=False)
        refused = {
            row: f"the key {_shown(sent, row)} has a space or a control character, which {self.name} does not take"
            for row in pc.indices_nonzero(pc.match_substring_regex(sent, _SEPARATORS)).to_pylist()
        }
        for row in np.flatnonzero(lengths > self.key_bytes).tolist():
            refused[row] = f"the key {_shown(sent, row)} has {lengths[row]} bytes; {self.name} takes {self.key_bytes}"
        return refused

    def too_large(self, size: int, limit: int) -> str:
        """What to say of a value that is too large."""
        remedy = "write less of the record (value_attribute), compress it (compress_over), or raise max_value_size"
        taken = f"{self.name} takes" if limit == self.value_bytes else "max_value_size is"
        return f"the value has {size:,} bytes; {taken} {limit:,}: {remedy}"


def _shown(keys: pa.StringArray, row: int) -> str:
    key = keys[row].as_py()
    return repr(key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…")


__all__ = ["Limits"]
