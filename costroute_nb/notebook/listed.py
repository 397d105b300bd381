"""An answer that is a list of objects, as a table."""

import json
from typing import TYPE_CHECKING, Any

from costroute_nb.notebook.views import Page

if TYPE_CHECKING:
    from costroute_nb.core.result import Result

_MOST_ROWS = 50
_LONGEST_CELL = 200  # characters


def list_page(result: "Result") -> Page | None:
    """Return the table of a result whose data is a list of objects, else None."""
    if not isinstance(result.data, list) or not result.data:
        return None
    found = result.to_dict()["data"]
    if not all(isinstance(row, dict) and row for row in found):
        return None
    names = tuple(dict.fromkeys([*result.columns, *(n for row in found for n in row)]))
    more = len(found) - _MOST_ROWS
    return Page(
        columns=names,
        rows=tuple(
            tuple(_cell(row.get(name)) for name in names) for row in found[:_MOST_ROWS]
        ),
        foot=(f"{more:,} more rows are in the result's frame",) if more > 0 else (),
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    nested = isinstance(value, dict | list)
    text = json.dumps(value, ensure_ascii=False) if nested else str(value)
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_CELL else f"{line[: _LONGEST_CELL - 1]}…"
