"""What sources, sinks and transforms have in common: options, a registered name, and the core versions they fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from active_data_flow.core.configuration import Configuration

if TYPE_CHECKING:
    from active_data_flow.core.policies import SchemaContract

_FILES = frozenset({"path", "paths", "file", "files", "filename", "folder", "directory"})


class Component(Configuration):
    """A part of a flow: its options and nothing else; constructors only remember.

    Attributes:
        type: Registered name, by which documents refer to it. Empty for classes that only code uses.
        core_versions: Versions of the core that it fits, as a PEP 440 specifier; empty: any.
        capabilities: What it promises, as words for people and for the conformance suites.
    """

    type: ClassVar[str] = ""
    core_versions: ClassVar[str] = ""
    capabilities: ClassVar[frozenset[str]] = frozenset()

    @property
    def name_in_errors(self) -> str:
        """The registered name, else the class name."""
        return self.type or self.__class__.__name__

    @property
    def variant(self) -> str:
        """Which of its `variants` this is: options that change how it reads or commits, and no others."""
        return self.name_in_errors

    @classmethod
    def variants(cls) -> list[str]:
        """All that guarantees are claimed for one by one, as ``sql:postgresql:upsert``; each begins with the name."""
        return [cls.type]

    def to_document(self) -> dict[str, Any]:
        """The component as a document holds it: ``{"type": …, option: …}``."""
        return {"type": self.type, **self.to_options()}

    def describe(self) -> str:
        """The place in a few words for people, without secrets, as ``table prices in sqlite:///shop.db``."""
        return self.name_in_errors

    def local_files(self) -> list[str]:
        """Files, folders and patterns of this machine that it reads or writes, as they are given.

        What is stored in a database may name only files that the application allows. By default these are the values
        of the options that are called as files are.
        """
        given = [getattr(self, name) for name in type(self).model_fields if name in _FILES]
        return [
            str(path) for value in given for path in (value if isinstance(value, list | tuple) else [value]) if path
        ]

    def project_models(self) -> list[str]:
        """Models of the application that it reads or writes, as ``shop.Price``.

        What is stored in a database may name only models that the application allows.
        """
        return []

    def project_faults(self, columns: Sequence[str] | None = None, contract: SchemaContract | None = None) -> list[str]:
        """What is wrong that can be told from the application alone, without connecting to anything.

        ``manage.py check`` asks for it, so that a change of a model that breaks a flow is found before it is deployed.

        Args:
            columns: Of a sink: the columns that come to it; None where only the data can tell, and of a source.
            contract: Of a sink: what the flow does about columns that the place lacks.

        Returns:
            One line for each fault, with the remedy.
        """
        return []

    def check(self) -> list[str]:
        """Connect, look, and disconnect.

        Returns:
            One line for each thing that was found to be in order.

        Raises:
            ActiveDataFlowError: What is wrong and what to do about it.
        """
        return []


__all__ = ["Component"]
