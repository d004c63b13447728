"""Kinds of options that source and sink share."""

from __future__ import annotations

import codecs
from typing import Annotated, Any

from pydantic import BeforeValidator


def _known_encoding(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return codecs.lookup(value).name
    except LookupError:
        raise ValueError('is the name of a text encoding, as "utf-8", "utf-16" or "latin-1"') from None


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


TextEncoding = Annotated[str, BeforeValidator(_known_encoding)]
"""Name of a text encoding that Python knows, in its canonical form."""

Texts = Annotated[list[str], BeforeValidator(_as_list)]
"""Several texts; one may be given by itself."""

__all__ = ["TextEncoding", "Texts"]
