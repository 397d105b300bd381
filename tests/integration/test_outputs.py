"""A dashboard's twins are replaced where they stand, and whatever a cell captures is its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher

from costroute_nb.notebook.outputs import Outputs
from costroute_nb.notebook.reading import Reading
from costroute_nb.painter import Painter
from tests.support.readings import busy, reading


class Publisher:
    """What publishes to a front end; fails as often as it is told to."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.failures = 0

    def publish(self, **message: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the front end is away")
        self.published.append(message)

    @property
    def updated(self) -> list[str]:
        """The names of the outputs that were updated, in order."""
        return [m["transient"]["display_id"] for m in self.published if m["update"]]


class Shell:
    """A shell whose publisher a cell may put another one in place of."""

    def __init__(self) -> None:
        self.own = Publisher()
        self.display_pub: Any = self.own


class Stage:
    """Outputs in a shell, and the state that they are to show."""

    def __init__(self, painter: Painter) -> None:
        self.now: tuple[Reading, bool] = reading(), False
        self.shell: Any = Shell()
        self.outputs = Outputs(lambda: self.now, painter)

    def add(self) -> None:
        self.outputs.add(self.shell)

    def update(self) -> None:
        self.outputs.update(self.shell)


@pytest.fixture(scope="module")
def painter() -> Iterator[Painter]:
    painter = Painter()
    yield painter
    painter.close()


@pytest.fixture
def stage(painter: Painter) -> Stage:
    return Stage(painter)


def test_a_changed_state_updates_each_output_by_its_name(stage: Stage) -> None:
    stage.add()
    stage.add()
    stage.update()
    assert stage.shell.own.updated == []
    stage.now = busy(3), False
    stage.update()
    stage.update()
    names = [m["transient"]["display_id"] for m in stage.shell.own.published[:2]]
    assert stage.shell.own.updated == names


def test_a_cell_that_captures_gets_no_update_and_the_output_does(stage: Stage) -> None:
    stage.add()
    stage.shell.display_pub = capture = CapturingDisplayPublisher()
    stage.now = busy(3), False
    stage.update()
    assert capture.outputs == []
    assert len(stage.shell.own.updated) == 1


def test_an_output_that_was_captured_is_updated_once_nothing_captures(
    stage: Stage,
) -> None:
    stage.shell.display_pub = capture = CapturingDisplayPublisher()
    stage.add()
    assert len(capture.outputs) == 1
    stage.now = busy(3), False
    stage.update()
    assert len(capture.outputs) == 1
    assert stage.shell.own.published == []
    stage.shell.display_pub = stage.shell.own
    stage.update()
    assert stage.shell.own.updated == [capture.outputs[0]["transient"]["display_id"]]


def test_what_could_not_be_published_is_published_the_next_time(stage: Stage) -> None:
    stage.add()
    stage.now = busy(3), False
    stage.shell.own.failures = 1
    with pytest.raises(OSError, match="away"):
        stage.update()
    assert stage.shell.own.updated == []
    stage.update()
    assert len(stage.shell.own.updated) == 1


def test_an_older_output_catches_up_after_a_newer_one_was_added(stage: Stage) -> None:
    stage.add()
    stage.now = busy(3), False
    stage.add()
    stage.update()
    first = stage.shell.own.published[0]["transient"]["display_id"]
    assert stage.shell.own.updated == [first]


def test_only_the_latest_outputs_are_kept_up_to_date(stage: Stage) -> None:
    for _ in range(10):
        stage.add()
    stage.now = busy(1), True
    stage.update()
    names = [m["transient"]["display_id"] for m in stage.shell.own.published[:10]]
    assert stage.shell.own.updated == names[2:]


def test_of_many_threads_the_latest_state_is_published_last(stage: Stage) -> None:
    stage.add()
    readings = [busy(count) for count in range(1, 7)]

    def change(one: Reading) -> None:
        stage.now = one, False
        stage.update()

    threads = [threading.Thread(target=change, args=(one,)) for one in readings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = stage.shell.own.published[-1]["data"]["text/plain"]
    assert last.startswith(str(stage_page(stage.now[0])))
    stage.update()
    assert stage.shell.own.published[-1]["data"]["text/plain"] == last


def png(message: dict[str, Any]) -> str:
    """Return the picture of what was published, as it was sent."""
    return str(message["data"]["image/png"])


def test_a_picture_that_fails_leaves_the_last_one_and_says_how_old_it_is(
    stage: Stage, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.add()
    monkeypatch.setattr(painter, "patience", 0.0)
    stage.now = busy(3), False
    stage.update()
    first, second = stage.shell.own.published
    assert png(second) == png(first)
    old = "the picture is older than the numbers: it is of 2026-11-22 12:00:00 UTC"
    assert old in second["data"]["text/plain"]
    assert old in second["data"]["text/html"]
    alt = second["metadata"]["image/png"]["alt"]
    assert (
        alt == f"As of 2026-11-22 12:00:00 UTC. {first['metadata']['image/png']['alt']}"
    )
    assert f'<img alt="{alt}"' in second["data"]["text/html"]
    assert "9 calls" in second["data"]["text/plain"]  # the numbers are those of now


def test_a_picture_that_failed_is_drawn_by_the_next_update(
    stage: Stage, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.add()
    stage.now = busy(3), False
    with monkeypatch.context() as patch:
        patch.setattr(painter, "patience", 0.0)
        stage.update()
        stage.update()
    assert len(stage.shell.own.updated) == 1  # the same again is not published again
    stage.update()
    first, _, third = stage.shell.own.published
    assert png(third) != png(first)
    assert "older than the numbers" not in third["data"]["text/plain"]
    stage.update()
    assert len(stage.shell.own.updated) == 2


def test_a_picture_that_fails_again_and_again_waits_for_the_next_state(
    stage: Stage, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.add()
    stage.now = busy(3), False
    with monkeypatch.context() as patch:
        patch.setattr(painter, "patience", 0.0)
        for _ in range(3):
            stage.update()
    stage.update()
    assert len(stage.shell.own.updated) == 1
    stage.now = busy(4), False
    stage.update()
    assert "older" not in stage.shell.own.published[-1]["data"]["text/plain"]


def test_an_output_added_beside_another_has_its_picture(
    stage: Stage, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.add()
    monkeypatch.setattr(painter, "patience", 0.0)
    stage.add()
    first, second = stage.shell.own.published
    assert second["data"] == first["data"]


def test_once_ended_nothing_is_updated(stage: Stage) -> None:
    stage.add()
    stage.outputs.end()
    stage.now = busy(3), False
    stage.update()
    assert stage.shell.own.updated == []


def stage_page(one: Reading) -> object:
    """Return the numbers of a reading as a twin has them."""
    from costroute_nb.notebook import twin
    from costroute_nb.notebook.figures import figures

    return twin.page(one, figures(one))
