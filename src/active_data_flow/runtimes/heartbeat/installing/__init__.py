"""Edits the settings and URLs of a project, where they are in a form that can be edited without doubt."""

from active_data_flow.runtimes.heartbeat.installing.edits import add_assignment, append_to_list, import_names
from active_data_flow.runtimes.heartbeat.installing.files import replace_file

__all__ = ["add_assignment", "append_to_list", "import_names", "replace_file"]
