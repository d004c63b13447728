"""What all suites are made of: cases that say what they are for, and are left out where they don't apply.

The form of a case (purpose, way, pass condition) follows Apache Flink's FLIP-27 connector test suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])
_MARK = "__case__"


@dataclass(frozen=True, slots=True)
class Case:
    """One promise and how it is held.

    Attributes:
        purpose: What goes wrong for users where the case fails.
        way: What is done.
        passes: When it passes.
        requirement: The sentence of the contract that it holds the connector to.
        needs: Capabilities without which the case does not apply.
    """

    purpose: str
    way: str
    passes: str
    requirement: str
    needs: frozenset[str] = frozenset()


def case(*, purpose: str, way: str, passes: str, requirement: str, needs: Iterable[str] = ()) -> Callable[[Test], Test]:
    """Make a test method a case of its suite.

    Example:
        >>> class Readable(Suite):
        ...     known = frozenset({"ordered"})
        ...
        ...     @case(purpose="…", way="…", passes="…", requirement="…", needs=["ordered"])
        ...     def test_order(self): ...
        >>> list(Readable.cases())
        ['test_order']
    """
    described = Case(purpose, way, passes, requirement, frozenset(needs))

    def mark(test: Test) -> Test:
        setattr(test, _MARK, described)
        test.__doc__ = f"{purpose}\n\nWay: {way}\nPasses: {passes}\nRequirement: {requirement}"
        return test

    return mark


class Suite:
    """Cases that a connector is held to; a subclass says what the connector can do.

    A case that needs a capability that the subclass does not declare is not collected at all, so that a skipped test
    always means something that is missing on the machine.

    Attributes:
        known: All capabilities that the suite asks about.
        capabilities: What this connector can do.

    Raises:
        TypeError: When a subclass is defined: it declares a capability that the suite does not know.
    """

    known: ClassVar[frozenset[str]] = frozenset()
    capabilities: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        unknown = sorted(cls.capabilities - cls.known)
        if unknown:
            known = ", ".join(sorted(cls.known))
            raise TypeError(f"{cls.__name__} declares {', '.join(unknown)}; capabilities are: {known}")
        for name, test in cls._tests().items():
            if name not in vars(cls):
                setattr(cls, name, test if cls._applies(test) else None)

    @classmethod
    def cases(cls) -> dict[str, Case]:
        """The cases that apply, by the name of their test."""
        return {name: getattr(test, _MARK) for name, test in cls._tests().items() if cls._applies(test)}

    @classmethod
    def _applies(cls, test: Any) -> bool:
        return getattr(test, _MARK).needs <= cls.capabilities

    @classmethod
    def _tests(cls) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for parent in reversed(cls.__mro__):
            found |= {name: value for name, value in vars(parent).items() if hasattr(value, _MARK)}
        return found


__all__ = ["Case", "Suite", "case"]
