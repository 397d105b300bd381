"""Where each setting's value comes from: files, environment, notebook, session."""

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from costroute_nb.errors import ConfigurationError
from costroute_nb.settings import DEFAULTS, NAMES, Settings, parse

_LIMITS = ("call_limit", "session_limit", "day_limit", "month_limit")
_logger = logging.getLogger("costroute_nb")
_warned: set[str] = set()

# A pyproject.toml comes with any cloned repository: it may name its work and be
# stricter than the user, but never move money, data or prompts elsewhere.
_PROJECT_MAY_SET = ("workflow", "step", "format", "stream")
_PROJECT_MAY_LOWER = (*_LIMITS, "max_tokens", "ttl")


def config_dir() -> Path:
    """Return the directory of `config.toml` and the user's tables."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "costroute"


def resolve(
    *,
    ipython: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    session: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings in force, each value from the strongest source that has it.

    In rising order: defaults, the user's `config.toml`, `pyproject.toml`,
    `ipython_config.py` (`ipython`), the environment, `%config` (`config`),
    `Session(**settings)` (`session`).

    Raises
    ------
    ConfigurationError
        Naming the source and the setting.
    """
    settings = _with(DEFAULTS, _read(config_dir() / "config.toml"), "config.toml")
    settings = _with_project(settings, _project_table())
    settings = _with(settings, ipython or {}, "ipython_config.py")
    settings = _with(settings, _environment(), "environment")
    settings = _with(settings, config or {}, "%config CostRoute")
    return _with(settings, session or {}, "Session")


def _with(settings: Settings, values: Mapping[str, Any], source: str) -> Settings:
    for name in values:
        if name not in NAMES:
            from difflib import get_close_matches

            close = get_close_matches(name, NAMES, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            message = f"{source}: there is no setting {name!r}{hint}"
            raise ConfigurationError(message)
    try:
        return replace(settings, **{k: parse(k, v) for k, v in values.items()})
    except ValueError as error:
        message = f"{source}: {error}"
        raise ConfigurationError(message) from None


def _with_project(settings: Settings, table: Mapping[str, Any]) -> Settings:
    refused = [k for k in table if k not in (*_PROJECT_MAY_SET, *_PROJECT_MAY_LOWER)]
    if refused:
        message = (
            f"pyproject.toml: [tool.costroute] may not set {', '.join(refused)}: it "
            "comes with the repository; put it into your own config.toml if you want it"
        )
        raise ConfigurationError(message)
    wanted = _with(settings, table, "pyproject.toml")
    for name in _PROJECT_MAY_LOWER:
        if name in table and name not in _warned and _raises(settings, wanted, name):
            _warned.add(name)
            _logger.warning(
                "pyproject.toml may only lower %s: what it says is ignored", name
            )
    lowered: dict[str, Any] = {name: _lower(getattr(settings, name), getattr(wanted, name))
               for name in _PROJECT_MAY_LOWER}  # fmt: skip
    return replace(wanted, **lowered)


def _raises(users: Settings, projects: Settings, name: str) -> bool:
    mine, theirs = getattr(users, name), getattr(projects, name)
    return mine is not None and (theirs is None or theirs > mine)


def _lower(users: float | None, projects: float | None) -> float | None:
    amounts = [amount for amount in (users, projects) if amount is not None]
    return min(amounts, default=None)


def _environment() -> dict[str, str]:
    """Return the settings of the environment; a near miss is warned of once."""
    variables = [f"COSTROUTE_{name.upper()}" for name in NAMES]
    for name in os.environ:
        if name.startswith("COSTROUTE_") and name not in (*variables, *_warned):
            from difflib import get_close_matches

            close = get_close_matches(name, variables, n=1, cutoff=0.85)
            if close:
                _warned.add(name)
                _logger.warning("%s is not read; did you mean %s?", name, close[0])
    found = {name: os.environ.get(f"COSTROUTE_{name.upper()}") for name in NAMES}
    return {name: value for name, value in found.items() if value is not None}


def _project_table() -> Mapping[str, Any]:
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "pyproject.toml").is_file():
            tool = _read(folder / "pyproject.toml").get("tool", {})
            table = tool.get("costroute", {}) if isinstance(tool, dict) else {}
            if not isinstance(table, dict):
                message = "pyproject.toml: [tool.costroute] is not a table"
                raise ConfigurationError(message)
            return table
    return {}


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8")
        import tomllib  # most users have no such file

        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        message = f"{file.name} cannot be read: {reason}"
        raise ConfigurationError(message) from None
