"""Files are replaced whole: whoever reads one meanwhile sees the old text or the new one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from active_data_flow.core.errors import ConfigurationError


def replace_file(path: Path, text: str) -> None:
    """Give a file another text; its permissions stay.

    Raises:
        ConfigurationError: It can't be written; it is as it was.
    """
    target = path.resolve()
    try:
        number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        made = Path(name)
        try:
            with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            made.chmod(target.stat().st_mode if target.exists() else 0o644)
            made.replace(target)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}") from error


__all__ = ["replace_file"]
