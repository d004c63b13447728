"""Arrow's compute functions: imported at the first call; made at run time, so unknown to type checkers."""

from __future__ import annotations

from typing import Any


class _Kernels:
    def __getattr__(self, name: str) -> Any:
        import pyarrow.compute

        kernel = getattr(pyarrow.compute, name)
        setattr(self, name, kernel)  # the next look-up is a plain attribute
        return kernel


pc: Any = _Kernels()
"""Stands for `pyarrow.compute`."""

__all__ = ["pc"]
