"""Checked reading of parsed TOML tables: each error says where the entry is.

A getter takes the table, the key and the table's own path. Without a `default` the
key must be there; with one, the default is returned as it is when the key is absent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Final, Literal, TypeVar, cast

Path = tuple[str | int, ...]
"""Keys and positions from the top of a file, such as `("rules", 3, "tier")`."""

Table = Mapping[str, object]


class Required(Enum):
    """The default of a key that has no default."""

    REQUIRED = "required"


REQUIRED: Final = Required.REQUIRED
_Required = Literal[Required.REQUIRED]

D = TypeVar("D")
S = TypeVar("S", bound=str)
V = TypeVar("V")


class TableError(ValueError):
    """An entry of a table that cannot be used.

    Attributes
    ----------
    message
        What is wrong and what would be right, in one line.
    path
        Where the entry is; a loader turns it into a line number.
    """

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message, path)
        self.message = message
        self.path = path

    def __str__(self) -> str:
        where = show_path(self.path)
        return f"{where}: {self.message}" if where else self.message


def show_path(path: Path) -> str:
    """Return a path as a person writes it: `rules[3].tier`, positions from 0."""
    text = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in path
    )
    return text.removeprefix(".")


def close_to(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` for the closest known word, or an empty text."""
    close = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def check_keys(table: Table, known: Iterable[str], path: Path = ()) -> None:
    """Refuse keys that nothing reads.

    Raises
    ------
    TableError
        At the first unknown key, with the closest known one.
    """
    allowed = set(known)
    for key in table:
        if key not in allowed:
            hint = close_to(key, allowed) or f"; known: {', '.join(sorted(allowed))}"
            message = f"unknown key {key!r}{hint}"
            raise TableError(message, (*path, key))


def get_str(
    table: Table, key: str, path: Path = (), default: D | _Required = REQUIRED
) -> str | D:
    """Return one line of text that is not blank and has no control characters."""
    return _get(table, key, path, default, _line, "one line of text")


def get_bool(
    table: Table, key: str, path: Path = (), default: D | _Required = REQUIRED
) -> bool | D:
    """Return true or false; a number is neither."""
    return _get(
        table, key, path, default, lambda v: v if isinstance(v, bool) else None,
        "true or false",
    )  # fmt: skip


def get_int(
    table: Table,
    key: str,
    path: Path = (),
    default: D | _Required = REQUIRED,
    *,
    minimum: int = 0,
) -> int | D:
    """Return a whole number, `minimum` or more."""

    def accept(value: object) -> int | None:
        number = isinstance(value, int) and not isinstance(value, bool)
        return cast("int", value) if number and cast("int", value) >= minimum else None

    wanted = f"a whole number, {minimum} or more"
    return _get(table, key, path, default, accept, wanted)


def get_strings(
    table: Table, key: str, path: Path = (), default: D | _Required = REQUIRED
) -> tuple[str, ...] | D:
    """Return a list of texts, none of them blank; the list may be empty."""

    def accept(value: object) -> tuple[str, ...] | None:
        if not isinstance(value, (list, tuple)):
            return None
        return tuple(value) if all(map(_text, value)) else None

    return _get(table, key, path, default, accept, 'a list of texts, ["like", "this"]')


def get_choice(
    table: Table,
    key: str,
    choices: Sequence[S],
    path: Path = (),
    default: D | _Required = REQUIRED,
) -> S | D:
    """Return one of a few words."""
    value = table.get(key)
    hint = close_to(value, choices) if isinstance(value, str) else ""
    wanted = f"one of {', '.join(choices)}{hint}"
    return _get(
        table, key, path, default, lambda v: next((c for c in choices if c == v), None),
        wanted,
    )  # fmt: skip


def get_table(
    table: Table, key: str, path: Path = (), default: D | _Required = REQUIRED
) -> Table | D:
    """Return a table inside the table."""
    return _get(table, key, path, default, _table, f"a table, [{key}]")


def get_tables(table: Table, key: str, path: Path = ()) -> tuple[Table, ...]:
    """Return an array of tables; an absent one is empty."""

    def accept(value: object) -> tuple[Table, ...] | None:
        if not isinstance(value, (list, tuple)):
            return None
        return (
            tuple(value) if all(_table(entry) is not None for entry in value) else None
        )

    return _get(table, key, path, (), accept, f"an array of tables, [[{key}]]")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _line(value: object) -> str | None:
    text = _text(value)
    return text if text is not None and text.isprintable() else None


def _table(value: object) -> Table | None:
    return cast("Table", value) if isinstance(value, Mapping) else None


def _get(
    table: Table,
    key: str,
    path: Path,
    default: D | _Required,
    accept: Callable[[object], V | None],
    wanted: str,
) -> V | D:
    if key not in table:
        if default is REQUIRED:
            message = f"{key!r} is missing: it must be {wanted}"
            raise TableError(message, path)
        return default
    value = accept(table[key])
    if value is None:
        found = repr(table[key])
        shown = found if len(found) <= 40 else f"{found[:39]}…"
        message = f"{key!r} must be {wanted}; it is {shown}"
        raise TableError(message, (*path, key))
    return value
