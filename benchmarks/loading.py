"""`%load_ext costroute_nb` in fresh processes, beside an extension that does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.report import beside
from benchmarks.timing import fresh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.place import Place
    from benchmarks.report import Line

_EMPTY = "def load_ipython_extension(ip):\n    pass\n"

# The peer's directory comes last, as that of an installed package does.
_LOAD = """
import sys, time
sys.path.append({folder!r})
started = time.perf_counter()
{ip}.run_line_magic("load_ext", {name!r})
print(time.perf_counter() - started)
"""
_SHELL = """
from IPython.core.interactiveshell import InteractiveShell
ip = InteractiveShell.instance()
"""
_MOST_SECONDS, _MOST_RATIO = 0.1, 4.0


def measure(place: Place) -> Iterator[Line]:
    folder = place.directory / "extension"
    folder.mkdir()
    (folder / "empty_extension.py").write_text(_EMPTY, encoding="utf-8")
    names = ("costroute_nb", "empty_extension")
    for subject, load, rounds in (
        ("%load_ext in a fresh IPython", _in_ipython, place.times(11, 3)),
        ("%load_ext in a fresh kernel", _in_kernel, place.times(5, 1)),
    ):
        times: dict[str, list[float]] = {name: [] for name in names}
        for number in range(-1, rounds):  # the first one may compile
            for name in names:
                seconds = load(place, str(folder), name)
                if number >= 0:
                    times[name].append(seconds)
        ours, empty = (times[name] for name in names)
        yield beside(
            subject,
            ours,
            "empty extension",
            empty,
            most_seconds=_MOST_SECONDS,
            most_ratio=_MOST_RATIO,
        )


def _in_ipython(place: Place, folder: str, name: str) -> float:
    code = _SHELL + _LOAD.format(ip="ip", folder=folder, name=name)
    return fresh(code, at=place.directory)


def _in_kernel(place: Place, folder: str, name: str) -> float:
    from jupyter_client.manager import start_new_kernel

    said: list[str] = []

    def listen(message: dict[str, Any]) -> None:
        content = message["content"]
        said.append(content.get("text") or "".join(content.get("traceback", ())))

    manager, client = start_new_kernel(
        cwd=str(place.directory), extra_arguments=["--IPKernelApp.log_level=40"]
    )
    try:
        code = _LOAD.format(ip="get_ipython()", folder=folder, name=name)
        client.execute_interactive(code, timeout=60, output_hook=listen)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return float("".join(said).strip())
