"""The command ``adf``: one file a command; nothing heavy is imported before it is needed."""

from __future__ import annotations

from active_data_flow.cli.entry import main, program

__all__ = ["main", "program"]
