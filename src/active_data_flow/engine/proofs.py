"""What crash tests have proved of guarantees, as it is packaged: by source, by sink, by runtime.

Positions are the source's, and whether they agree with the data is the sink's: each source is struck with a sink that
is proved, each sink with a source that is, and so with each runtime. A flow is proved when its three parts are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from active_data_flow.engine.pipeline import Pipeline

PACKAGED = Path(__file__).with_name("proofs.json")
"""Written by ``make guarantees`` from what the tests proved."""

Part = Literal["source", "sink", "runtime"]
PARTS: tuple[Part, ...] = ("source", "sink", "runtime")
Proof = Mapping[str, Any]
"""``source``, ``sink`` and ``runtime`` (variants), ``guarantee``, and ``faults``: how often struck by each kind."""

_WORDS = {
    "crash points": "killed {} times at crash points",
    "random kills": "killed {} times at random moments",
    "freezes": "frozen and replaced {} times",
    "cuts": "cut off {} times",
    "restarts": "its server restarted {} times",
    "full disks": "its disk full {} times",
}
_NAMES = ("source", "sink", "runtime", "guarantee")


def merged(proofs: Iterable[Proof]) -> list[dict[str, Any]]:
    """Proofs of the same combination as one, in order."""
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for proof in proofs:
        sums.setdefault(tuple(proof[name] for name in _NAMES), Counter()).update(proof["faults"])
    return [
        {**dict(zip(_NAMES, names, strict=True)), "faults": {kind: found[kind] for kind in _WORDS if found[kind]}}
        for names, found in sorted(sums.items())
    ]


@cache
def packaged() -> tuple[Proof, ...]:
    """The proofs of this version."""
    return tuple(json.loads(PACKAGED.read_text())["proofs"])


def faults_of(part: Part, variant: str, proofs: Iterable[Proof], guarantee: str | None = None) -> Counter[str]:
    """How often a variant of a part was struck by each kind of fault, and held what it claims; empty: never."""
    found: Counter[str] = Counter()
    for proof in proofs:
        if proof[part] == variant and guarantee in (None, proof["guarantee"]):
            found.update(proof["faults"])
    return found


def in_words(faults: Mapping[str, int]) -> str:
    """Faults as people read them."""
    return ", ".join(words.format(faults[kind]) for kind, words in _WORDS.items() if faults.get(kind))


def proof_of(pipeline: Pipeline, runtime: str = "local") -> list[str]:
    """What stands behind a pipeline's guarantee: a line for each of its parts.

    Args:
        pipeline: The pipeline.
        runtime: Name of the runtime.
    """
    variants: dict[Part, str] = {
        "source": pipeline.source.variant,
        "sink": pipeline.sink.variant,
        "runtime": f"{runtime}:{pipeline.flow.lanes}",
    }
    return [_line(part, variant, pipeline.guarantee) for part, variant in variants.items()]


def _line(part: Part, variant: str, guarantee: str) -> str:
    faults = faults_of(part, variant, packaged(), guarantee if part == "sink" else None)
    words = f"proved by crash tests: {in_words(faults)}" if faults else "claimed by the connector, not proved here"
    return f"{part} {variant}: {words}"


__all__ = ["PACKAGED", "PARTS", "Part", "Proof", "faults_of", "in_words", "merged", "packaged", "proof_of"]
