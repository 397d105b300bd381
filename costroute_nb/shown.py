"""A path as it is shown: the home directory, which names the user, is `~`."""

from __future__ import annotations

from pathlib import Path


def shown_path(path: Path) -> str:
    """Return a path with `~` for the home directory, where there is one."""
    try:
        return str("~" / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)
