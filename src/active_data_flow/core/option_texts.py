"""The line of documentation under each option, read from the source of its class when help is asked for.

Pydantic reads it too (``use_attribute_docstrings``), but as soon as a class is made, which a run would pay for.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent

from pydantic import BaseModel


def option_texts(model: type[BaseModel]) -> dict[str, str]:
    """What the text under each field of a class, where it or one of its parents declares it, says.

    Args:
        model: The class; one whose source is not at hand, as of a console, has no texts.

    Returns:
        Name of the field -> text; fields without one are left out.
    """
    parts = reversed(model.__mro__)
    return {name: text for part in parts for name, text in _own_texts(part).items() if name in model.model_fields}


@cache
def _own_texts(model: type) -> dict[str, str]:
    texts: dict[str, str] = {}
    for field, below in pairwise(_body(model)):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                texts[name] = inspect.cleandoc(text)
            case _:
                pass
    return texts


def _body(model: type) -> list[ast.stmt]:
    try:
        source = inspect.getsource(model)
    except (OSError, TypeError):  # made in a console, built in, or of a compiled module
        return []
    (defined,) = ast.parse(dedent(source)).body
    return defined.body if isinstance(defined, ast.ClassDef) else []


__all__ = ["option_texts"]
