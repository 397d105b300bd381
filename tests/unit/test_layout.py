"""The package's files stay small enough to be read in one go."""

from pathlib import Path

import costroute_nb

PACKAGE = Path(next(iter(costroute_nb.__path__)))
VAGUE = {"utils", "helpers", "common", "manager", "base"}


def test_no_file_is_longer_than_300_lines() -> None:
    lines = {
        str(path.relative_to(PACKAGE)): len(path.read_text("utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert lines
    assert {name: count for name, count in lines.items() if count > 300} == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [path.name for path in PACKAGE.rglob("*.py") if path.stem in VAGUE] == []


def test_the_package_declares_its_types() -> None:
    assert (PACKAGE / "py.typed").is_file()
