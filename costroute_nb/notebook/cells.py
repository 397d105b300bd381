"""What was typed: the raw cell behind a magic, where its answer goes, and its origin."""

import ast
import os
import re
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.interactiveshell import InteractiveShell

_TARGET = re.compile(r"(?:^|\s)(\S*?)\s*(=?)\s*<<\s*$")


@dataclass(frozen=True, slots=True)
class Target:
    """The variable that keeps a result; `shows` tells `name = <<` from `name <<`."""

    name: str
    shows: bool


def split_target(line: str) -> tuple[str, Target | None]:
    """Split a magic's line into its options and a trailing `name <<` or `name = <<`.

    Raises
    ------
    UsageError
        If the name is no identifier.
    """
    match = _TARGET.search(line)
    if match is None:
        return line, None
    name, shows = match.group(1), bool(match.group(2))
    if name.endswith("="):
        name, shows = name[:-1], True
    if not name.isidentifier() or iskeyword(name):
        message = f"{name or 'nothing'!r} before << is no variable name"
        raise UsageError(message)
    return line[: match.start()], Target(name, shows)


def as_typed(shell: "InteractiveShell", magic: str, line: str, body: str) -> str:
    """Return the body of a cell magic as the user typed it.

    IPython hands magics a transformed cell: doctest prompts and indentation are gone
    and a newline is added. The typed cell is in the execute request or the history;
    it is taken only if transforming it makes this very call.
    """
    for raw in _raw_cells(shell):
        typed = _body_behind(shell, raw, magic, line, body)
        if typed is not None:
            return typed
    return body.removesuffix("\n")


def origin(shell: "InteractiveShell") -> tuple[str | None, str]:
    """Return the notebook's file name, if known, and the cell's id or number."""
    path = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    name = PurePath(str(path).replace("\\", "/")).name if path else ""
    cell = _request(shell).get("metadata", {}).get("cellId")
    return name or None, str(cell or _number(shell))


def _number(shell: "InteractiveShell") -> int:
    """Return the number of the running cell, as its prompt shows it."""
    # The count is raised once a cell is kept in the history, before it runs.
    history = shell.history_manager
    kept = len(history.input_hist_raw) - 1 if history is not None else 0
    return kept or shell.execution_count


def _request(shell: "InteractiveShell") -> dict[str, Any]:
    """Return the execute request that a kernel is serving; {} outside kernels."""
    get_parent = getattr(shell, "get_parent", None)
    return (get_parent() if get_parent else None) or {}


def _raw_cells(shell: "InteractiveShell") -> "Iterator[str]":
    code = _request(shell).get("content", {}).get("code")
    if isinstance(code, str):
        yield code
    history = shell.history_manager
    if history is not None and history.input_hist_raw:
        yield history.input_hist_raw[-1]


def _body_behind(
    shell: "InteractiveShell", raw: str, magic: str, line: str, body: str
) -> str | None:
    """Return the part of a raw cell that became this call's body, or None.

    Cell magics such as `%%time` run what is below them as a cell of its own, so the
    transformation is followed from call to call while the raw lines are peeled off.
    """
    lines = raw.splitlines(keepends=True)
    code = raw
    while lines:
        while lines and lines[0].isspace():
            lines = lines[1:]
        if not lines or not lines[0].startswith("%%"):
            return None
        name, _, rest = lines[0][2:].rstrip().partition(" ")
        lines = lines[1:]
        found = (magic, line) == (name, rest)
        typed = "".join(lines)
        if found and typed.rstrip("\n") == body.rstrip("\n"):
            return typed
        call = _cell_magic_call(shell.transform_cell(code))
        if call is None or call[:2] != (name, rest):
            return None
        if found and call[2].rstrip("\n") == body.rstrip("\n"):
            return typed
        code = call[2]
    return None


def _cell_magic_call(code: str) -> tuple[str, str, str] | None:
    """Return the arguments if code is nothing but a call of a cell magic."""
    try:
        (statement,) = ast.parse(code).body
    except (SyntaxError, ValueError):
        return None
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    if call.func.attr != "run_cell_magic" or len(call.args) != 3:
        return None
    name, line, body = (ast.literal_eval(argument) for argument in call.args)
    return name, line, body
