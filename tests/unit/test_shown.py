"""Paths are shown without the user's name."""

from pathlib import Path

import pytest

from costroute_nb.shown import shown_path


def test_home_is_a_tilde(home: Path) -> None:
    assert shown_path(home / "a" / "b") == "~/a/b"


def test_another_place_is_shown_whole(home: Path) -> None:
    beside = home.with_name(f"{home.name}2") / "a"
    assert shown_path(beside) == str(beside)


def test_without_a_home_a_path_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert shown_path(Path("/a/b")) == "/a/b"
