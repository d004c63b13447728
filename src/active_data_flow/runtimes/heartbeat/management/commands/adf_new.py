"""``manage.py adf_new flow``: a working flow in an app, with its test."""

from __future__ import annotations

import ast
import keyword
import re
import sysconfig
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from django.apps import AppConfig, apps
from django.core.management.base import CommandError, CommandParser

from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.near_names import near_names
from active_data_flow.runtimes.heartbeat.installing import import_names, replace_file
from active_data_flow.runtimes.heartbeat.management.examples import WithExamples

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-_\s]+")
_IMPORTS = (
    ("decimal", ("Decimal",)),
    ("pathlib", ("Path",)),
    (
        "active_data_flow",
        ("DataFlow", "ErrorPolicy", "FileSource", "Message", "Schema", "SqlSink", "every", "field"),
    ),
)


class Command(WithExamples):
    """See `help`."""

    help = "Write a flow that works as it is into an app's flows.py, with a test and some data beside it."
    examples = (
        ("manage.py adf_new flow price_sync", "into the project's only app"),
        (
            "manage.py adf_new flow price_sync --app shop",
            "shop/flows.py, shop/test_price_sync.py, shop/data/price_sync.csv",
        ),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("kind", choices=("flow",), help="what to write")
        parser.add_argument("name", help="its name, as price_sync or PriceSync")
        parser.add_argument("--app", help="label of the app; default: the project's only one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files; nothing that exists is overwritten.

        Raises:
            CommandError: The name can't be used, there is no such app, or a file is there already; nothing was written.
        """
        app = _app_named(options["app"])
        name = _name(options["name"])
        try:
            written = _write(app, name)
        except ActiveDataFlowError as error:
            raise CommandError(error.message) from error
        for path in written:
            self.stdout.write(f"wrote {path}")
        self.stdout.write(
            f"next: manage.py adf_sync && manage.py adf_heartbeat\ntest: manage.py test {_test_label(app, name)}"
        )


def _write(app: AppConfig, name: str) -> list[Path]:
    folder = Path(app.path)
    flows, data = folder / "flows.py", folder / "data" / f"{name}.csv"
    test = folder.joinpath(*_test_label(app, name).removeprefix(f"{app.name}.").split(".")).with_suffix(".py")
    words = {
        "name": name,
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "app": app.label,
        "module": app.name,
        "test_label": _test_label(app, name),
    }
    text = _with_flow(flows, words)
    taken = [str(path) for path in (test, data) if path.exists()]
    if taken:
        raise CommandError(f"{', '.join(taken)} exists already; nothing was written")
    data.parent.mkdir(exist_ok=True)
    replace_file(flows, text)
    replace_file(test, _rendered("test_flow.py.txt", words))
    replace_file(data, _rendered("flow.csv.txt", {}))
    return [flows, test, data]


def _with_flow(path: Path, words: dict[str, str]) -> str:
    """The app's flows with the new one at their end."""
    text = (
        path.read_text(encoding="utf-8")
        if path.exists()
        else f'"""The flows of {words["app"]}."""\n\nfrom __future__ import annotations\n\n'
    )
    try:
        names = {getattr(node, "name", None) for node in ast.parse(text).body}
    except SyntaxError as error:
        raise CommandError(f"{path}, line {error.lineno}: {error.msg}; nothing was written") from error
    if words["class_name"] in names:
        raise CommandError(f"{path} has a {words['class_name']} already; nothing was written")
    for module, wanted in _IMPORTS:
        text = import_names(text, module, wanted) or text
    return f"{text.rstrip()}\n\n\n{_rendered('flow.py.txt', words)}"


def _rendered(template: str, words: dict[str, str]) -> str:
    text = (files("active_data_flow.runtimes.heartbeat") / "skeletons" / template).read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _test_label(app: AppConfig, name: str) -> str:
    package = (Path(app.path) / "tests" / "__init__.py").exists()
    return f"{app.name}.tests.test_{name}" if package else f"{app.name}.test_{name}"


def _name(text: str) -> str:
    name = "_".join(part.lower() for part in _WORD.split(text) if part)
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name.startswith("_"):
        raise CommandError(f"{text!r} can't be a flow's name here: use letters, digits and _, a letter first")
    return name


def _app_named(label: str | None) -> AppConfig:
    own = {config.label: config for config in apps.get_app_configs() if _is_own(config)}
    if label is None and len(own) == 1:
        return next(iter(own.values()))
    if label is None:
        raise CommandError(f"which app is it for? --app {' or --app '.join(sorted(own)) or 'LABEL'}")
    if label not in own:
        raise CommandError(f"the project has no app {label!r}{near_names(label, set(own))}")
    return own[label]


def _is_own(config: AppConfig) -> bool:
    """Whether the app is the project's, not one that was installed."""
    installed = [Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")]
    place = Path(config.path).resolve()
    return not config.name.startswith("active_data_flow.") and not any(map(place.is_relative_to, installed))
