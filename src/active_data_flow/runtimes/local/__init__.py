"""The local runtime: a flow in this process, its checkpoints in a folder."""

from active_data_flow.runtimes.local.runner import LocalRunner, LocalRuntime

__all__ = ["LocalRunner", "LocalRuntime"]
