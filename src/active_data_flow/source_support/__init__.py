"""Sources that are read in splits: the parts that their authors combine (after Flink's FLIP-27)."""

from active_data_flow.source_support.contexts import AssignedSplit, EnumeratorContext, ReaderContext
from active_data_flow.source_support.enumerator import PendingSplits, SplitEnumerator
from active_data_flow.source_support.reader import END, IDLE, Signal, SourceReader, SplitReader
from active_data_flow.source_support.source import Boundedness, SplitSource
from active_data_flow.source_support.split import Split, SplitSerializer

__all__ = [
    "END",
    "IDLE",
    "AssignedSplit",
    "Boundedness",
    "EnumeratorContext",
    "PendingSplits",
    "ReaderContext",
    "Signal",
    "SourceReader",
    "Split",
    "SplitEnumerator",
    "SplitReader",
    "SplitSerializer",
    "SplitSource",
]
