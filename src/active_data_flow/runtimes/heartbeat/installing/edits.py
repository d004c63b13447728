"""Edits of Python source that keep all else as it is; each result is parsed anew before it counts."""

from __future__ import annotations

import ast
from collections.abc import Iterable


def append_to_list(source: str, name: str, element: str) -> str | None:
    r"""Put an element at the end of a list that a module assigns to a name.

    Args:
        source: The module.
        name: Name of the list.
        element: The element, as Python source.

    Returns:
        The module with the element in the list, the same text where it is there already; None where there is no plain
        list of that name, or more than one.

    Example:
        >>> append_to_list("APPS = ['a']\n", "APPS", "'b'")
        "APPS = ['a', 'b']\n"
    """
    found = _list_named(source, name)
    if found is None:
        return None
    if any(ast.unparse(one) == _normal(element) for one in found.elts):
        return source
    text = _with_element(source, found, element)
    after = _list_named(text, name)
    wanted = [*map(ast.unparse, found.elts), _normal(element)]
    return text if after is not None and list(map(ast.unparse, after.elts)) == wanted else None


def add_assignment(source: str, name: str, text: str) -> str | None:
    """Put an assignment at the end of a module; the same text where the name is assigned already.

    Args:
        source: The module.
        name: The name.
        text: The assignment, with what comment there is.

    Returns:
        None where the module can't be parsed.
    """
    tree = _parsed(source)
    if tree is None:
        return None
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return source if name in names else f"{source.rstrip()}\n\n{text.strip()}\n"


def import_names(source: str, module: str, names: Iterable[str]) -> str | None:
    """Have a module import names from another one, where it does not yet.

    Returns:
        None where the module can't be parsed.
    """
    tree = _parsed(source)
    if tree is None:
        return None
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == module]
    there = {alias.name for node in imports for alias in node.names if alias.asname is None}
    missing = sorted(set(names) - there)
    if not missing:
        return source
    lines = source.splitlines(keepends=True)
    plain = len(imports) == 1 and all(alias.asname is None for alias in imports[0].names)
    one = imports[0] if plain else None
    if one is not None and lines[one.lineno - 1].rstrip() == ast.unparse(one):
        lines[one.lineno - 1] = f"from {module} import {', '.join(sorted({*there, *missing}))}\n"
    else:
        lines.insert(_after_imports(tree), f"from {module} import {', '.join(missing)}\n")
    return "".join(lines)


def _list_named(source: str, name: str) -> ast.List | None:
    tree = _parsed(source)
    values = [] if tree is None else [value for node in tree.body if (value := _assigned(node, name)) is not None]
    return values[0] if len(values) == 1 and isinstance(values[0], ast.List) else None


def _assigned(node: ast.stmt, name: str) -> ast.expr | None:
    """What a statement assigns to a name."""
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return None
    return node.value if any(isinstance(target, ast.Name) and target.id == name for target in targets) else None


def _with_element(source: str, found: ast.List, element: str) -> str:
    data = source.encode()
    end = _offset(data, found.end_lineno, found.end_col_offset) - 1
    if not found.elts:
        return (data[:end] + element.encode() + data[end:]).decode()
    last = found.elts[-1]
    behind = _offset(data, last.end_lineno, last.end_col_offset)
    between = data[behind:end].decode()
    comma = "" if _has_comma(between) else ","
    line_start = data.rfind(b"\n", 0, end) + 1
    if line_start <= behind:  # the list ends where its last element does
        return (data[:behind] + f"{comma}{between.rstrip()} {element}".encode() + data[end:]).decode()
    indent = " " * last.col_offset
    new = f"{indent}{element},\n".encode()
    return (data[:behind] + comma.encode() + data[behind:line_start] + new + data[line_start:]).decode()


def _has_comma(text: str) -> bool:
    return any("," in line.partition("#")[0] for line in text.splitlines())


def _offset(data: bytes, line: int | None, column: int | None) -> int:
    assert line is not None
    assert column is not None
    return sum(map(len, data.splitlines(keepends=True)[: line - 1])) + column


def _after_imports(tree: ast.Module) -> int:
    """Lines up to the end of the imports at the top; of the docstring, where there are none."""
    end = 0
    for number, node in enumerate(tree.body):
        docstring = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (docstring or isinstance(node, ast.Import | ast.ImportFrom)):
            break
        end = node.end_lineno or end
    return end


def _normal(element: str) -> str:
    return ast.unparse(ast.parse(element, mode="eval").body)


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


__all__ = ["add_assignment", "append_to_list", "import_names"]
