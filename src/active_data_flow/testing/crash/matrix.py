"""The guarantee matrix: what the classes claim, held against what crash tests have proved.

``python -m active_data_flow.testing.crash.matrix check FILE…`` fails where a registered source, sink or runtime claims
what the proofs in these files don't show, or where the packaged proofs or the page are not what they show; ``write``
writes both anew. The files are those of ``pytest --crash-proofs FILE``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from active_data_flow.core.data_flow import Lanes
from active_data_flow.core.registry import find, registrations
from active_data_flow.engine.proofs import PACKAGED, Part, Proof, faults_of, in_words, merged
from active_data_flow.version import VERSION

PAGE = Path("docs/guarantees.md")
_KILLS = ("crash points", "random kills")
_NEEDED: dict[Part, tuple[str, ...]] = {"source": _KILLS, "sink": (*_KILLS, "freezes"), "runtime": _KILLS}
_OWN: dict[Part, tuple[str, ...]] = {
    "source": ("each", "each:replayable"),
    "sink": ("write", "write:idempotent"),
    "runtime": (),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A variant of a source, a sink or a runtime that says what it holds."""

    part: Part
    variant: str

    def lacks(self, proofs: Sequence[Proof]) -> list[str]:
        """The kinds of faults that it must have stood, and has not."""
        faults = faults_of(self.part, self.variant, proofs)
        return [kind for kind in _NEEDED[self.part] if not faults[kind]]


def claims() -> list[Claim]:
    """What our registered classes claim, and the engine for the classes of users that override just one method."""
    own = [Claim(part, variant) for part, variants in _OWN.items() for variant in variants]
    return [*_of("source"), *_of("sink"), *_of("runtime"), *own]


def _of(part: Part) -> Iterator[Claim]:
    for registration in registrations():
        if registration.kind != part or not registration.origin.startswith("active-data-flow "):
            continue
        if part == "runtime":
            yield from (Claim(part, f"{registration.name}:{lanes}") for lanes in get_args(Lanes))
        else:
            yield from (Claim(part, variant) for variant in find(part, registration.name).variants())


def faults_found(proofs: Sequence[Proof], packaged: str, page: str) -> list[str]:
    """What is wrong: claims that lack a proof, and files that don't tell what was proved.

    Args:
        proofs: What the tests have proved.
        packaged: Content of the packaged file.
        page: Content of the page.
    """
    lacking = [
        f"{claim.part} {claim.variant} has no green crash test of: {', '.join(lacks)}"
        for claim in claims()
        if (lacks := claim.lacks(proofs))
    ]
    stale = [
        f"{name} does not tell what the tests proved; run: make guarantees"
        for name, is_there, wanted in ((PACKAGED.name, packaged, as_json(proofs)), (str(PAGE), page, as_page(proofs)))
        if is_there != wanted
    ]
    return lacking + stale


def as_json(proofs: Iterable[Proof]) -> str:
    """The packaged file."""
    lines = ",\n".join(f"  {json.dumps(proof)}" for proof in proofs)
    return f'{{\n "version": "{VERSION}",\n "proofs": [\n{lines}\n ]\n}}\n'


def as_page(proofs: Sequence[Proof]) -> str:
    """The page."""
    sinks = [(claim, faults_of("sink", claim.variant, proofs)) for claim in claims() if claim.part == "sink"]
    guarantees = {proof["sink"]: proof["guarantee"] for proof in proofs}
    runtimes = [claim.variant for claim in claims() if claim.part == "runtime"]
    sources = [claim for claim in claims() if claim.part == "source"]
    return "\n".join(
        (
            "# Guarantees",
            "",
            "Written by `make guarantees` from what the crash tests proved; continuous integration fails where this",
            "page, or a claim of a class, says more than they did.",
            "",
            _HOW,
            "",
            "| sink | guarantee with every source and runtime below | it was |",
            "|---|---|---|",
            *(
                f"| `{claim.variant}` | {_held(claim, guarantees, proofs)} | {in_words(faults)} |"
                for claim, faults in sinks
            ),
            "",
            "| source | its positions hold | it was |",
            "|---|---|---|",
            *(_row(claim, proofs) for claim in sources),
            "",
            "| runtime | it was |",
            "|---|---|",
            *(f"| `{name}` | {in_words(faults_of('runtime', name, proofs))} |" for name in runtimes),
            "",
            _MEANING,
            "",
        )
    )


_HOW = """\
## How the matrix follows

How far a source has been read is the source's to say; whether that and the data agree after a crash is the sink's. So
it is not each pair that is struck, but each source with a sink that is proved, each sink with a source that is, and
each runtime with the strongest pair; a flow has its sink's guarantee when its three parts are proved. What
is inferred and was not struck itself is each other combination."""

_MEANING = """\
## What is meant

- *exactly-once*: after all faults each record of the input is in the sink once, unchanged, compared one by one.
- *effectively-once*: the same, where repeated writes change nothing.
- *at-least-once*: no record is missing or changed; some may be there twice.
- *crash points*: `kill -9` at each named step of the loop. *Random moments*: within milliseconds behind a random step.
- *Frozen and replaced*: stopped with SIGSTOP, replaced by a second run, thawed; it was refused and changed nothing.
- *Cut off*: the connection was reset, closed or silent before, at or after a commit, or amid what was read. A silent
  connection to a server that is up makes a run wait until the network gives up; it was killed, and the next went on.
- *Its server restarted*: killed or stopped in the midst of a transaction, and started. *Its disk full*: of files and
  checkpoints.
- A source that a run behind a complete one reads from its beginning (`sql` without a cursor, `each`) is complete with
  its last commit: a run that dies behind it is not gone on with, the next one begins anew. `sql` was not struck there,
  `each` was with a sink that upserts.
- `sql:mysql` was struck with MariaDB. Processes die here, machines don't: a power cut is up to `fsync`, which files,
  SQLite and checkpoints are written with, and to the server's settings.
- `cache` was struck with Redis that keeps a log of its changes, and with files. What a cache has taken and then loses,
  since it has no log, evicts or expires, is beyond a flow.
- `each` and `write` are classes of your own that override just that method: `write` is held to losing nothing as long
  as its `flush` returns only when all is kept; an `each` that is not `replayable` begins anew after a crash, and
  commits once, at its end. `write:idempotent` is one whose `delivery` says that writing again changes nothing."""


def _held(claim: Claim, guarantees: dict[str, str], proofs: Sequence[Proof]) -> str:
    return "not proved" if claim.lacks(proofs) else guarantees[claim.variant]


def _row(claim: Claim, proofs: Sequence[Proof]) -> str:
    held = "not proved" if claim.lacks(proofs) else "proved"
    return f"| `{claim.variant}` | {held} | {in_words(faults_of('source', claim.variant, proofs))} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or write; the exit code."""
    parser = argparse.ArgumentParser(description="the guarantee matrix")
    parser.add_argument("action", choices=("check", "write"))
    parser.add_argument("files", nargs="+", type=Path, help="of pytest --crash-proofs")
    options = parser.parse_args(arguments)
    proofs = merged(proof for file in options.files for proof in json.loads(file.read_text()))
    if options.action == "write":
        PACKAGED.write_text(as_json(proofs))
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(as_page(proofs))
    faults = faults_found(proofs, PACKAGED.read_text(), PAGE.read_text() if PAGE.exists() else "")
    for fault in faults:
        print(fault)  # noqa: T201  # the answer
    return 1 if faults else 0


__all__ = ["Claim", "as_json", "as_page", "claims", "faults_found", "main"]

if __name__ == "__main__":
    raise SystemExit(main())
