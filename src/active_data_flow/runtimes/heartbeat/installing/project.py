"""What is added to which file of a project, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.runtimes.heartbeat.installing.edits import add_assignment, append_to_list, import_names
from active_data_flow.runtimes.heartbeat.installing.files import replace_file

APP = "active_data_flow.runtimes.heartbeat"
URLS = f'path("adf/", include("{APP}.urls"))'
SETTING = """
# What ActiveDataFlow may do; manage.py check tells about mistakes in it.
ACTIVE_DATA_FLOW = {
    "BUDGET": "20s",  # time that one heartbeat may take
    "ALLOWED_NETWORKS": [],  # networks that requests may come from, as "10.0.0.0/8"; none: any
    "TRUSTED_PROXIES": 0,  # proxies before the server that each add an address to X-Forwarded-For
}
"""


def install_app(settings: Path, app: str = APP) -> str:
    """Put an app into ``INSTALLED_APPS``.

    Returns:
        What was done, or what there is to do by hand.
    """
    by_hand = f'add to INSTALLED_APPS:\n\n    "{app}",\n'
    return _edit(
        settings, f"{app} in INSTALLED_APPS", lambda text: append_to_list(text, "INSTALLED_APPS", f'"{app}"'), by_hand
    )


def add_setting(settings: Path) -> str:
    """Add the app's setting. Returns what was done, or what there is to do by hand."""
    by_hand = f"add:\n{SETTING}"
    return _edit(settings, "ACTIVE_DATA_FLOW", lambda text: add_assignment(text, "ACTIVE_DATA_FLOW", SETTING), by_hand)


def include_urls(urls: Path) -> str:
    """Include the app's URLs. Returns what was done, or what there is to do by hand."""
    by_hand = f"add to urlpatterns:\n\n    {URLS},\n\nand at the top:\n\n    from django.urls import include, path\n"
    return _edit(urls, "the URLs below adf/", _with_urls, by_hand)


def _with_urls(text: str) -> str | None:
    listed = append_to_list(text, "urlpatterns", URLS)
    return listed if listed is None or listed == text else import_names(listed, "django.urls", ("include", "path"))


def _edit(path: Path, what: str, edit: Callable[[str], str | None], by_hand: str) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from error
    edited = edit(text)
    if edited is None:
        return f"{path}: could not be edited safely; {by_hand}"
    if edited == text:
        return f"{path}: has {what} already"
    replace_file(path, edited)
    return f"{path}: added {what}"


__all__ = ["APP", "add_setting", "include_urls", "install_app"]
