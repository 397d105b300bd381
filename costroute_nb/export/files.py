"""Write a file whole or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path

from costroute_nb.errors import ConfigurationError


def write_text(path: str | Path, text: str) -> Path:
    """Put text into a file, in place of what it held; return its path.

    Raises
    ------
    ConfigurationError
        If the file cannot be written; its directory must be there.
    """
    target = Path(path).expanduser()
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        try:
            draft.write_text(text, encoding="utf-8", errors="replace", newline="")
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        message = (
            f"cannot write {target} ({why}): name a file in a directory that exists"
        )
        raise ConfigurationError(message) from error
    return target
