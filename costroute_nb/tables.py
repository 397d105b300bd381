"""Load rules, models and dated prices: the shipped tables, then the user's on top."""

from __future__ import annotations

import re
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from costroute_nb.core.catalog import Catalog, Model, parse_models
from costroute_nb.core.classification import (
    Rule,
    RuleSet,
    arrange,
    check_examples,
    parse_rules,
)
from costroute_nb.core.overrides import PriceOverride, parse_overrides
from costroute_nb.core.tables import Table, TableError, get_str, get_tables
from costroute_nb.core.toml_lines import line_of
from costroute_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costroute_nb.core.tables import Path as TablePath

RULES, TIERS, PRICES = "rules.toml", "tiers.toml", "prices.toml"

_SYNTAX = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), .*|end of document)\)")


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that the shipped and the user's tables say, checked.

    `rules.rules` are in the order in which they are tried.
    """

    rules: RuleSet
    catalog: Catalog
    overrides: tuple[PriceOverride, ...]


@dataclass(frozen=True, slots=True)
class _File:
    """A parsed table and the text it came from, for line numbers."""

    name: str
    text: str
    table: dict[str, Any]


def load_tables(config_dir: Path | None = None) -> Tables:
    """Return the shipped tables merged by name with those in `config_dir`.

    Files that are not there are not an error.

    Raises
    ------
    ConfigurationError
        At the first unusable entry, with the file's name and the line.
    """
    return Tables(
        rules=_rules(_user_file(config_dir, RULES)),
        catalog=Catalog(_models(_user_file(config_dir, TIERS))),
        overrides=_overrides(_user_file(config_dir, PRICES)),
    )


def _rules(user: _File | None) -> RuleSet:
    """Return all rules in order, with the user's tasks and size on top."""
    builtin = _shipped_rules()
    if user is None:
        return builtin
    with _blaming(user):
        own = parse_rules(user.table, tasks=builtin.tasks, user=True)
        rules = arrange(builtin.rules, own.rules)
        numbers = {rule.name: number for number, rule in enumerate(own.rules)}
        for rule in rules:
            if rule.user:
                _check_examples(rule, ("rules", numbers[rule.name]))
    return RuleSet(rules, {**builtin.tasks, **own.tasks}, own.size or builtin.size)


def _check_examples(rule: Rule, path: TablePath) -> None:
    for key, tried in (
        ("match", replace(rule, no_match=())),
        ("no_match", replace(rule, match=())),
    ):
        for complaint in check_examples(tried):
            raise TableError(complaint, (*path, key))


def _models(user: _File | None) -> tuple[Model, ...]:
    """Return the shipped models with the user's keys on top of each, then theirs."""
    if user is None:
        return _shipped_models()
    entries = _shipped(TIERS).table["models"]
    merged = {str(entry["id"]): dict(entry) for entry in entries}
    with _blaming(user):
        numbers = _numbers(user.table)
        for name, number in numbers.items():
            merged[name] = {**merged.get(name, {}), **user.table["models"][number]}
        try:
            return parse_models({**user.table, "models": list(merged.values())})
        except TableError as error:
            raise _as_written(error, list(merged), numbers) from None


def _numbers(table: Table) -> dict[str, int]:
    """Return where each model stands in the user's own table."""
    numbers: dict[str, int] = {}
    for number, entry in enumerate(get_tables(table, "models")):
        name = get_str(entry, "id", ("models", number))
        if name in numbers:
            message = f"there is an entry for {name} already"
            raise TableError(message, ("models", number, "id"))
        numbers[name] = number
    return numbers


def _as_written(
    error: TableError, merged: list[str], numbers: dict[str, int]
) -> TableError:
    """Return an error of the merged table with its path in the user's own."""
    match error.path:
        case ("models", int(place), *rest):
            number = numbers.get(merged[place])
            path = () if number is None else ("models", number, *rest)
            return TableError(error.message, path)
    return error


def _overrides(user: _File | None) -> tuple[PriceOverride, ...]:
    rows = {row.key: row for row in _shipped_overrides()}
    if user is not None:
        with _blaming(user):
            rows |= {row.key: row for row in parse_overrides(user.table)}
    return tuple(rows.values())


@cache
def _shipped(name: str) -> _File:
    # Not importlib.resources: it takes longer than all the parsing in a fresh kernel.
    text = (Path(__file__).parent / "data" / name).read_text("utf-8")
    return _File(name, text, _parse(name, text))


@cache
def _shipped_models() -> tuple[Model, ...]:
    return parse_models(_shipped(TIERS).table)


@cache
def _shipped_rules() -> RuleSet:
    found = parse_rules(_shipped(RULES).table)
    return replace(found, rules=arrange(found.rules, ()))


@cache
def _shipped_overrides() -> tuple[PriceOverride, ...]:
    return parse_overrides(_shipped(PRICES).table)


def _user_file(config_dir: Path | None, name: str) -> _File | None:
    if config_dir is None:
        return None
    try:
        # Some editors put a byte order mark first, which TOML does not know.
        text = (config_dir / name).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        _refuse(name, line, "this is not UTF-8 text")
    except OSError as error:
        # The error's own text would show where the user's home is.
        _refuse(name, None, f"cannot be read: {error.strerror}")
    return _File(name, text, _parse(name, text))


def _parse(name: str, text: str) -> dict[str, Any]:
    """Return a table; amounts of money become Decimals, never floats."""
    try:
        return tomllib.loads(text, parse_float=Decimal if name == PRICES else float)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX.fullmatch(str(error))
        what = found["what"] if found else str(error)
        line = found["line"] if found else None
        _refuse(name, int(line) if line else text.count("\n") + 1, what)


@contextmanager
def _blaming(file: _File) -> Iterator[None]:
    """Turn an entry's error into one that names the file and the line."""
    try:
        yield
    except TableError as error:
        line = line_of(file.text, error.path) if error.path else None
        _refuse(file.name, line, str(error))


def _refuse(name: str, line: int | None, what: str) -> NoReturn:
    where = name if line is None else f"{name} line {line}"
    message = f"{where}: {what}"
    raise ConfigurationError(message) from None
