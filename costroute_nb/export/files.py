"""Write the files of a report, each whole or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from costroute_nb.errors import ConfigurationError
from costroute_nb.shown import shown_path

if TYPE_CHECKING:
    from costroute_nb.core.report import Report


def write_report(
    report: Report, *, html: str | Path | None = None, csv: str | Path | None = None
) -> None:
    """Write a report as a page, and as tables of its groups and of its levers.

    Raises
    ------
    ConfigurationError
        If a file cannot be written.
    """
    from costroute_nb.export.page import html_text
    from costroute_nb.export.table import csv_text, levers_csv

    if html is not None:
        write_text(html, html_text(report))
    if csv is not None:
        write_text(csv, csv_text(report))
        write_text(levers_file(csv), levers_csv(report))


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


def levers_file(path: str | Path) -> Path:
    """Return where the table of the levers goes beside that of the groups."""
    target = Path(path)
    return target.with_name(f"{target.stem}-levers{target.suffix}")
