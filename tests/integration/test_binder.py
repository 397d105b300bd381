"""Binder's image is built on the right Python, with pins that the package accepts."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
BINDER = ROOT / "binder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NOTEBOOK = "notebooks/01_quickstart.ipynb"


def pins() -> dict[str, Requirement]:
    """Return Binder's requirements by name."""
    lines = (BINDER / "requirements.txt").read_text("utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {requirement.name: requirement for requirement in found}


def needed_on_linux() -> list[Requirement]:
    """Return the package's dependencies that apply on Binder's system."""
    binder = {"sys_platform": "linux", "python_version": "3.12"}
    found = map(Requirement, PROJECT["dependencies"])
    return [r for r in found if r.marker is None or r.marker.evaluate(binder)]


@pytest.fixture
def checkout(sdist: Path, tmp_path: Path) -> Path:
    """Return the repository as Binder clones it: no environment, nothing built."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (place,) = tmp_path.iterdir()
    return place


@pytest.mark.parametrize("needed", needed_on_linux(), ids=lambda r: r.name)
def test_every_dependency_is_pinned_within_its_bounds(needed: Requirement) -> None:
    (pin,) = pins()[needed.name].specifier
    assert pin.operator == "=="
    assert needed.specifier.contains(pin.version)


def test_jupyterlab_stays_the_images_own() -> None:
    assert not {"jupyterlab", "notebook"} & set(pins())


@pytest.mark.parametrize("script", ["postBuild", "start"])
def test_binders_scripts_are_executable_and_stop_at_the_first_error(
    script: str,
) -> None:
    path = BINDER / script
    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text("utf-8")


def test_start_simulates_warns_of_real_keys_and_runs_the_command() -> None:
    command = [str(BINDER / "start"), "printenv", "COSTROUTE_PROVIDER"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "simulated\n"
    assert "never paste a real key" in done.stderr


def test_the_image_is_planned_on_python_312_with_our_steps(checkout: Path) -> None:
    plan = [sys.executable, "-m", "repo2docker", "--no-build", "--debug"]
    user = ["--user-id", "1000", "--user-name", "jovyan"]
    done = subprocess.run(
        [*plan, *user, "."], cwd=checkout, capture_output=True, text=True, check=True
    )
    said = done.stdout + done.stderr
    assert "Building conda environment for python=3.12" in said
    assert "binder/requirements.txt" in said
    assert "RUN ./binder/postBuild" in said
    assert "R2D_ENTRYPOINT" in said
    assert "binder/start" in said


def python_312() -> str:
    """Return a Python 3.12 that runs, or this interpreter."""
    found = shutil.which("python3.12")
    if (
        found
        and not subprocess.run(
            [found, "-m", "venv", "-h"], capture_output=True
        ).returncode
    ):
        return found
    return sys.executable


@pytest.mark.network
def test_binders_steps_pass_in_a_clean_environment(
    checkout: Path, tmp_path: Path, real_environment: dict[str, str]
) -> None:
    venv = tmp_path / "venv"
    search = f"{venv / 'bin'}{os.pathsep}{real_environment['PATH']}"
    environment = {
        **real_environment,
        "PATH": search,
        "VIRTUAL_ENV": str(venv),
        "COSTROUTE_HOME": str(tmp_path / "home"),  # never the developer's own
    }
    output = tmp_path / "output"
    run_notebook = ["python", "-m", "nbconvert", "--to", "notebook", "--execute"]
    steps = [
        [python_312(), "-m", "venv", str(venv)],
        ["pip", "install", "--quiet", "-r", "binder/requirements.txt"],
        ["binder/postBuild"],
        ["binder/start", *run_notebook, "--output-dir", str(output), NOTEBOOK],
    ]
    for step in steps:
        done = subprocess.run(
            step, cwd=checkout, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{step}\n{done.stdout}\n{done.stderr}"
    assert (output / "01_quickstart.ipynb").is_file()
