"""The picture and the table that stay of a dashboard."""

from __future__ import annotations

import base64
import logging
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from costroute_nb.core.budget import Limits
from costroute_nb.notebook import charts
from costroute_nb.notebook.figures import figures
from costroute_nb.notebook.twin import composed, page, twin
from costroute_nb.painter import Painter, PaintError
from tests.support.readings import busy, reading, spent

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def painter() -> Iterator[Painter]:
    painter = Painter()
    yield painter
    painter.close()


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize("count", [0, 1, 300])
def test_a_twin_is_a_picture_with_its_words_and_a_table(
    painter: Painter, count: int
) -> None:
    made = twin(busy(count), painter)
    data, metadata = made.bundle()
    png = base64.b64decode(data["image/png"])
    assert png.startswith(PNG)
    assert size(png)[0] > 1_000
    assert len(png) < 250_000
    assert metadata["image/png"]["alt"] == made.alt
    assert f'<img alt="{made.alt}" src="data:image/png;base64,' in data["text/html"]
    assert "Cost by model and tier: " in made.alt
    assert data["text/plain"].startswith("dashboard (real money), 2026-11-22 12:00")
    assert '<th scope="row"' in data["text/html"]


def test_both_themes_have_their_own_picture(painter: Painter) -> None:
    light, dark = (twin(busy(2), painter, dark=d).picture for d in (False, True))
    assert light != dark


def test_names_of_workflows_are_text_and_nothing_else(painter: Painter) -> None:
    evil = "<img src=x onerror=alert(1)>"
    made = twin(reading(by_step=(((evil, "$x$"), spent(5)),)), painter)
    shown = made.bundle()[0]["text/html"]
    assert evil not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown


def test_dollars_never_stand_together_in_one_stretch_of_text(painter: Painter) -> None:
    shown = twin(busy(3), painter).bundle()[0]["text/html"]
    shown = re.sub("<img [^>]*>", "", shown)
    assert shown.count("<span>$</span>") == shown.count("$") > 5


def test_the_page_says_pot_limits_and_alerts() -> None:
    simulated = reading(
        simulated=True,
        limits=Limits(day=5.0, on_limit="degrade"),
        alerts=("day limit: 80% spent",),
    )
    said = str(page(simulated, figures(simulated)))
    assert "dashboard (simulated, nothing is sent)" in said
    assert "day limit" in said
    assert "$5.00" in said
    assert "near a limit smaller models answer" in said
    assert "alert: day limit: 80% spent" in said


def test_a_small_level_is_not_said_to_be_nothing() -> None:
    shown = reading(limits=Limits(alert_at=0.004))
    assert "warns at 0.4%; at the limit calls stop" in str(page(shown, figures(shown)))


def test_a_specification_that_cannot_be_drawn_says_why(painter: Painter) -> None:
    with pytest.raises(PaintError, match="conversion failed"):
        painter.paint({"mark": "nonsense"})


def test_after_a_failure_the_next_picture_is_drawn(painter: Painter) -> None:
    with pytest.raises(PaintError):
        painter.paint({})
    assert twin(busy(1), painter).picture


def test_a_killed_process_costs_one_picture_at_most(
    painter: Painter, caplog: pytest.LogCaptureFixture
) -> None:
    twin(busy(1), painter)
    process = painter._process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    with caplog.at_level(logging.WARNING, "costroute_nb"):
        twin(busy(1), painter)
    assert twin(busy(1), painter).picture


def hung(painter: Painter) -> subprocess.Popen[bytes]:
    """Return the painter's process, which answers nothing from now on."""
    twin(busy(1), painter)
    process = painter._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    return process


def test_a_hung_process_costs_one_picture_and_is_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    painter = Painter()
    process = hung(painter)
    painter.patience = 0.2
    with caplog.at_level(logging.WARNING, "costroute_nb"):
        made = twin(busy(1), painter)
    assert made.picture is None
    assert "could not be drawn: no picture within 0.2 seconds" in caplog.text
    assert process.poll() == -signal.SIGKILL
    painter.patience = 30.0
    assert twin(busy(1), painter).picture
    painter.close()


def test_a_process_that_hangs_while_it_is_asked_costs_one_picture() -> None:
    painter = Painter()
    process = hung(painter)
    painter.patience = 0.2
    with pytest.raises(PaintError, match=r"no picture within 0\.2 seconds"):
        painter.paint({"description": "x" * 1_000_000})  # more than a pipe holds
    assert process.poll() == -signal.SIGKILL
    painter.close()


def test_closing_a_painter_ends_a_picture_that_hangs() -> None:
    painter = Painter()
    process = hung(painter)
    with ThreadPoolExecutor(1) as pool:
        painting = pool.submit(painter.paint, {})
        while not painter._lock.locked():
            time.sleep(0.01)
        time.sleep(0.1)
        started = time.monotonic()
        painter.close()
        assert time.monotonic() - started < 5
        with pytest.raises(PaintError, match="ended"):
            painting.result(5)
    assert process.poll() == -signal.SIGKILL
    assert painter._process is None


def test_a_picture_may_be_an_svg(painter: Painter) -> None:
    shown = figures(busy(2))
    drawn = painter.svg(charts.pictured(composed(shown), dark=False))
    assert drawn.startswith("<svg ")
    assert shown["cost"].title in drawn
    with pytest.raises(PaintError, match="conversion failed"):
        painter.svg({"mark": "nonsense"})


def test_a_painter_lives_as_long_as_its_block() -> None:
    with Painter() as painter:
        painter.svg(charts.pictured(composed(figures(busy(0))), dark=False))
        process = painter._process
        assert process is not None
        assert process.poll() is None
    assert process.poll() is not None


def test_without_a_renderer_the_words_are_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    painter = Painter()
    with caplog.at_level(logging.WARNING, "costroute_nb"):
        made = twin(busy(1), painter)
    assert made.picture is None
    assert "could not be drawn" in caplog.text
    data, metadata = made.bundle()
    assert set(data) == {"text/plain", "text/html"}
    assert metadata == {}
    assert "<img" not in data["text/html"]


def test_a_closed_painter_leaves_no_process_and_paints_again() -> None:
    painter = Painter()
    first = twin(busy(1), painter).picture
    process = painter._process
    assert process is not None
    painter.close()
    assert process.poll() is not None
    assert twin(busy(1), painter).picture == first
    painter.close()
