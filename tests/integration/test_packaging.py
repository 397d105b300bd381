"""What the sdist and the wheel contain."""

import ast
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import BytesParser
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def imported(source: str) -> Iterator[str]:
    """Yield the top-level names that a module imports, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_whatever_the_package_imports_is_a_declared_dependency(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sources = [archive.read(n) for n in archive.namelist() if n.endswith(".py")]
    names = {name for source in sources for name in imported(source.decode())}
    known = packages_distributions()
    distributions = {
        canonicalize_name(distribution)
        for name in names - sys.stdlib_module_names - {"costroute_nb"}
        for distribution in known.get(name, [name])
    }
    optional = PROJECT["optional-dependencies"]  # imported if they are there
    extras = [*optional["alerts"], *optional["train"]]
    declared = {
        canonicalize_name(Requirement(line).name)
        for line in [*PROJECT["dependencies"], *extras]
    }
    assert distributions <= declared


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {
        "costroute_nb",
        f"costroute_nb-{PROJECT['version']}.dist-info",
    }


def test_the_wheel_holds_types_and_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for name in ("py.typed", "data/rules.toml", "data/tiers.toml", "data/prices.toml"):
        assert f"costroute_nb/{name}" in names


def test_the_wheel_states_the_python_floor_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("dist-info/METADATA"))
        metadata = BytesParser().parsebytes(archive.read(name))
    assert metadata["Requires-Python"] == PROJECT["requires-python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"


def test_the_sdist_holds_what_a_checkout_needs_to_build_run_and_test(
    sdist: Path,
) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "Makefile",
        "README.md",
        "binder/postBuild",
        "costroute_nb/py.typed",
        "notebooks/01_quickstart.ipynb",
        "pyproject.toml",
        "scripts/setup_env.py",
        "tests/conftest.py",
    } <= names


def test_the_sdist_keeps_the_build_output_out(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert not tops & {"build", ".venv", "dist"}
