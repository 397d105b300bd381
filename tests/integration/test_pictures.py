"""A report's pictures are drawn beside the process that asks for them, or said in words."""

from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest

from costroute_nb.core.report import Group
from costroute_nb.export.pictures import Pictures, bars, per_day
from costroute_nb.session import Session
from tests.support.readings import spent

SCRIPT = """
import sys
from costroute_nb.session import Session
with Session(provider="simulated") as session:
    session.route("hello there")
    session.report(html=sys.argv[1])
assert "vl_convert" not in sys.modules
"""


def test_the_renderer_never_runs_in_the_process_that_asks(tmp_path: Path) -> None:
    # It holds the interpreter's lock while it draws: calls in flight would wait.
    file = tmp_path / "report.html"
    subprocess.run([sys.executable, "-c", SCRIPT, str(file)], check=True)
    assert file.read_text("utf-8").count("<svg ") == 3


def test_without_a_renderer_the_report_has_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "report.html"
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with Session(provider="simulated") as session:
        session.route("hello there", workflow="greetings")
        with caplog.at_level(logging.WARNING, "costroute_nb"):
            session.report(html=file)
    page = unescape(file.read_text("utf-8"))
    assert "<svg" not in page
    assert "<p>Cost per day: $" in page
    assert "<p>Cost by workflow: most for greetings with $" in page
    assert "<td>greetings</td>" in page
    assert caplog.text.count("pictures could not be drawn") == 1


def test_after_one_that_failed_no_other_is_waited_for() -> None:
    groups = (Group("triage", spent(3), {}),)
    days = (Group("2026-11-22", spent(3), {}),)
    with closing(Pictures()) as pictures:
        assert "triage" in (pictures.svg(bars(groups)) or "")
        pictures._painter.patience = 0.0
        assert pictures.svg(bars(groups)) is None
        pictures._painter.patience = 30.0
        assert pictures.svg(per_day(days)) is None
