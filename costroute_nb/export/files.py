"""Write a file whole or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path

from costroute_nb.errors import ConfigurationError
from costroute_nb.shown import shown_path


def write_text(path: str | Path, text: str) -> Path:
    """Put text into a file, in place of what it held; return its path.

    Raises
    ------
    ConfigurationError
        If the file cannot be written; its directory must be there.
    """
    target = Path(path)
    try:
        target = target.expanduser()
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            draft.write_text(text, encoding="utf-8", errors="replace", newline="")
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "this is no file's name"
        message = (
            f"cannot write {shown_path(target)} ({why}): name a file in a directory "
            "that exists"
        )
        raise ConfigurationError(message) from None
    return target
