"""Writes the files of a template, never over what exists."""

from __future__ import annotations

import importlib.util
import keyword
import os
import re
import sys
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal, NamedTuple

Kind = Literal["flow", "source", "sink"]

_FILES: dict[str, dict[str, str]] = {
    "flow": {"flow.py.txt": "{name}.py", "test_flow.py.txt": "test_{name}.py", "flow.csv.txt": "data/{name}.csv"},
    "source": {
        "source.py.txt": "{name}.py",
        "test_source.py.txt": "test_{name}.py",
        "source.jsonl.txt": "data/{name}.jsonl",
    },
    "sink": {"sink.py.txt": "{name}.py", "test_sink.py.txt": "test_{name}.py", "sink.csv.txt": "data/{name}.csv"},
}
_COMMANDS = {"flow": "adf run {file}", "source": "adf preview {file}", "sink": "adf run {file}"}
_PYTEST = "" if importlib.util.find_spec("pytest") else "pip install pytest && "
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-_\s]+")


class ScaffoldError(Exception):
    """The files can't be written; says why. Nothing was."""


class Generated(NamedTuple):
    """What was written.

    Attributes:
        files: Paths, as they are to be shown.
        following: The command to try next.
        test: The command that runs the test.
    """

    files: list[str]
    following: str
    test: str


def generate(kind: Kind, name: str, into: str | Path = ".") -> Generated:
    """Write a new flow, source or sink with its test.

    Args:
        kind: What to write.
        name: Its name: ``daily_prices``, ``daily-prices`` and ``DailyPrices`` mean the same.
        into: The folder; made where it is missing.

    Raises:
        ScaffoldError: The name can't be a module's, a file exists already, or the folder can't be written.
    """
    module = module_name(name)
    words = {
        "module": module,
        "name": module,
        "class_name": "".join(part.capitalize() for part in module.split("_")),
        "title": module.replace("_", " ").capitalize(),
    }
    folder = Path(into)
    texts = {folder / target.format(name=module): _render(template, words) for template, target in _FILES[kind].items()}
    _write(texts)
    go = "" if folder == Path() else f"cd {folder} && "
    return Generated(
        files=[os.path.normpath(path) for path in texts],
        following=go + _COMMANDS[kind].format(file=f"{module}.py"),
        test=f"{go}{_PYTEST}python -m pytest test_{module}.py",
    )


def module_name(name: str) -> str:
    """A name as a module's: ``DailyPrices`` -> ``daily_prices``.

    Raises:
        ScaffoldError: It can't be one, or would hide a module that is there already.
    """
    module = "_".join(part.lower() for part in _WORD.split(name) if part)
    if not module.isidentifier() or not module.isascii() or keyword.iskeyword(module):
        raise ScaffoldError(f"{name!r} can't be a Python name: use letters, digits and _, a letter first")
    if module in sys.stdlib_module_names or _installed(module):
        raise ScaffoldError(f"a file {module}.py would hide the Python module {module}; choose another name")
    return module


def _installed(module: str) -> bool:
    """Whether a module of this name is on the path, other than in the current directory."""
    try:
        spec = importlib.util.find_spec(module)
    except ValueError:  # loaded, without a spec
        return True
    origin = spec.origin if spec is not None else None
    return origin is not None and Path(origin).parent != Path.cwd()


def _render(template: str, words: dict[str, str]) -> str:
    text = (files(__package__ or "active_data_flow.scaffold") / "templates" / template).read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _write(texts: dict[Path, str]) -> None:
    taken = [str(path) for path in texts if path.exists()]
    if taken:
        raise ScaffoldError(f"{', '.join(taken)} exists already; nothing was written")
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise ScaffoldError(f"{error.filename or 'the folder'} can't be written: {error.strerror}") from error


__all__ = ["Generated", "ScaffoldError", "generate", "module_name"]
