"""``python -m active_data_flow.runtimes.heartbeat``: the first step into a project, beside its ``manage.py``.

Puts the app into the project's ``INSTALLED_APPS``, so that ``manage.py`` knows its commands, and goes on with
``manage.py adf_install``.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.runtimes.heartbeat.installing.project import install_app

_DEFAULT = re.compile(r"""["']DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")


def main() -> int:
    """Install the app into the project of the current directory; the exit code."""
    try:
        print(install_app(_settings_file()))  # noqa: T201  # a command
    except ConfigurationError as error:
        print(error.message, file=sys.stderr)  # noqa: T201  # a command
        return 1
    return subprocess.call([sys.executable, "manage.py", "adf_install", *sys.argv[1:]])  # noqa: S603  # the project's own


def _settings_file() -> Path:
    manage = Path("manage.py")
    if not manage.is_file():
        raise ConfigurationError("there is no manage.py here; go to the folder of the project")
    match = _DEFAULT.search(manage.read_text(encoding="utf-8"))
    module = os.environ.get("DJANGO_SETTINGS_MODULE") or (match and match[1])
    if not module:
        raise ConfigurationError("manage.py does not name the settings; set DJANGO_SETTINGS_MODULE")
    sys.path.insert(0, str(Path.cwd()))
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"the settings {module} can't be found: {error}") from error
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the settings {module} are no file")
    return Path(spec.origin)


if __name__ == "__main__":
    sys.exit(main())
