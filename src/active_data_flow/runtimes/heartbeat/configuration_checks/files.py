"""Files that records may name: those really below allowed folders, whatever links lead there."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from active_data_flow.core.errors import ConfigurationError

_PATTERN = frozenset("*?[")


def check_file(path: str, roots: Sequence[str]) -> None:
    """Refuse a file, folder or pattern that leads out of the allowed folders.

    The real path counts: ``..`` and links are followed first. Of a pattern or a folder, each file that is there now is
    looked at too; this is repeated before each run.

    Raises:
        ConfigurationError: It leads elsewhere, or there are no allowed folders.
    """
    place = Path(path.removeprefix("file://")).expanduser()
    if not roots:
        message = f"{path}: records may name no files here; add their folder to FILE_ROOTS, or name them in code"
        raise ConfigurationError(message)
    allowed = [Path(root).resolve() for root in roots]
    try:
        leading = [(candidate, _real(candidate)) for candidate in _candidates(place)]
    except (OSError, RuntimeError, ValueError) as error:  # too long a name, links in a circle
        message = f"{path[:200]}: where it leads can't be told: {error}"
        raise ConfigurationError(message) from error
    for candidate, real in leading:
        if not any(real.is_relative_to(root) for root in allowed):
            leads = "" if real == candidate else f" leads to {real}, which"
            message = f"{path}:{leads} is not below {' or '.join(roots)}; see FILE_ROOTS"
            raise ConfigurationError(message)


def _real(place: Path) -> Path:
    real = place.resolve()
    if real.is_symlink():  # from Python 3.13 on links in a circle are left as they are
        raise ValueError("its links go in a circle")
    return real


def _candidates(place: Path) -> Iterator[Path]:
    fixed = _before_pattern(place)
    yield fixed
    if fixed != place:
        if ".." in place.parts[len(fixed.parts) :]:
            raise ConfigurationError(f"{place}: '..' may not stand behind a pattern")
        yield from map(Path, glob.iglob(str(place), recursive=True))  # noqa: PTH207  # a Path matches nothing that is absolute
    elif place.is_dir():
        for folder, _, names in os.walk(place):
            yield from (Path(folder, name) for name in names)


def _before_pattern(place: Path) -> Path:
    if place.exists():
        return place
    parts = place.parts
    number = next((n for n, part in enumerate(parts) if not _PATTERN.isdisjoint(part)), len(parts))
    return Path(*parts[:number])


__all__ = ["check_file"]
