"""Files to start from: a flow, a source or a sink, each commented, working, and with its test."""

from active_data_flow.scaffold.generator import Generated, ScaffoldError, generate

__all__ = ["Generated", "ScaffoldError", "generate"]
