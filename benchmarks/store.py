"""Results as JSON, beside the page that shows them."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.harness import ROOT
from benchmarks.machine import machine

FOLDER = ROOT / "docs" / "benchmarks"


def save(name: str, results: Any) -> None:
    """Keep results with what they depend on."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps({"machine": machine(), "results": results}, indent=1) + "\n")


def load(name: str) -> dict[str, Any] | None:
    """What was kept; None: nothing was."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None
