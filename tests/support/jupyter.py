"""JupyterLab and Notebook 7 as a user starts them, and one browser that visits them."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
from playwright.sync_api import Browser, sync_playwright

import costroute_nb
from tests.support.lab import THEMES, Lab, Theme

App = Literal["lab", "notebook"]

_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
# What the run of the tests sets for itself, and what a user's shell would not have.
_DROPPED = ("ANTHROPIC_", "COSTROUTE_", "COVERAGE_", "JUPYTER_", "XDG_", "NO_COLOR")
_BROWSER_OPTIONS = (
    "--disable-dev-shm-usage",  # containers have little of it
    # Behind the recording of requests: no name but this machine's has an address.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class _Flavour:
    """How one application is started, and where it shows a notebook."""

    module: str
    traits: str
    address: str


_FLAVOURS: dict[App, _Flavour] = {
    "lab": _Flavour("jupyterlab", "LabApp", "lab/tree/{path}?reset&token={token}"),
    "notebook": _Flavour(
        "notebook", "JupyterNotebookApp", "notebooks/{path}?token={token}"
    ),
}


class Server:
    """One Jupyter server with a home of its own, in its own process.

    Its kernels run in the tests' environment, on the package under test.

    Parameters
    ----------
    app
        Which application it serves.
    home
        An empty directory for everything that it reads and writes.
    """

    def __init__(self, app: App, home: Path) -> None:
        self.app = app
        self.root = home / "work"
        self._home = home
        self._flavour = _FLAVOURS[app]
        self._token = secrets.token_hex(16)
        self._numbers = itertools.count(1)
        self.root.mkdir(parents=True)
        self.choose_theme("light")
        self.give_kernels({})
        log = home / "server.log"
        with log.open("wb") as sink:
            self._process = psutil.Popen(
                self._command(),
                cwd=self.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        try:
            self._port = self._wait_for_port(log)
        except BaseException:
            self.close()
            raise

    def choose_theme(self, theme: Theme) -> None:
        """Show pages that are opened from now on in this theme."""
        self._set("apputils-extension", "themes", {"theme": THEMES[theme]})
        quiet = {"fetchNews": "false", "checkForUpdates": False}
        self._set("apputils-extension", "notification", quiet)
        self._set("docmanager-extension", "plugin", {"autosave": False})
        # Cells that are scrolled away stay in the page, where a test can read them.
        self._set("notebook-extension", "tracker", {"windowingMode": "none"})

    def give_kernels(self, env: Mapping[str, str]) -> None:
        """Start kernels with these variables from now on."""
        spec = {
            "argv": [
                sys.executable,
                "-Xfrozen_modules=off",
                *("-m", "ipykernel_launcher", "-f", "{connection_file}"),
            ],
            "display_name": "Python 3",
            "language": "python",
            "interrupt_mode": "signal",
            "env": dict(env),
            "metadata": {"debugger": True},
        }
        _write_json(self._home / "share" / "kernels" / "python3" / "kernel.json", spec)

    def new_folder(self) -> Path:
        """Return an empty folder that the server shows."""
        folder = self.root / f"{next(self._numbers)}"
        folder.mkdir()
        return folder

    def address(self, notebook: Path) -> str:
        """Return the URL that opens a notebook below the root."""
        path = notebook.relative_to(self.root).as_posix()
        place = self._flavour.address.format(path=path, token=self._token)
        return f"http://127.0.0.1:{self._port}/{place}"

    def close(self) -> None:
        """End the server and every kernel that it started."""
        started = [self._process]
        if self._process.is_running():
            started += self._process.children(recursive=True)
            self._process.terminate()
        _, left = psutil.wait_procs(started[:1], timeout=_STOP_SECONDS)
        _, left = psutil.wait_procs([*left, *started[1:]], timeout=2)
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=_STOP_SECONDS)

    def _set(self, extension: str, plugin: str, values: Mapping[str, Any]) -> None:
        place = self._home / "settings" / "@jupyterlab" / extension
        _write_json(place / f"{plugin}.jupyterlab-settings", values)

    def _command(self) -> list[str]:
        traits = self._flavour.traits
        return [
            *(sys.executable, "-m", self._flavour.module, "--no-browser"),
            *("--allow-root", "--ServerApp.ip=127.0.0.1"),
            f"--ServerApp.port={_free_port()}",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.terminals_enabled=False",
            f"--IdentityProvider.token={self._token}",
            f"--{traits}.expose_app_in_browser=True",
        ]

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED)}
        package = Path(next(iter(costroute_nb.__path__))).resolve().parent
        search = [str(package), *filter(None, [kept.get("PYTHONPATH")])]
        home = self._home
        return kept | {
            "HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_PATH": str(home / "share"),
            "JUPYTER_PLATFORM_DIRS": "1",
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "PYTHONPATH": os.pathsep.join(search),
        }

    def _wait_for_port(self, log: Path) -> int:
        """Return where it listens: a taken port makes it choose another one."""
        note = self._home / "runtime" / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                return int(json.loads(note.read_text())["port"])
            except (FileNotFoundError, ValueError):  # not there, or not whole yet
                time.sleep(0.05)
        said = log.read_text(errors="replace")[-3000:]
        message = f"{self._flavour.module} did not start:\n{said}"
        raise RuntimeError(message)


class Jupyter:
    """A browser and the servers it visits, each started when it is first needed.

    Parameters
    ----------
    place
        An empty directory for the servers' homes.
    browser
        The executable of a Chromium.
    """

    def __init__(self, place: Path, browser: str) -> None:
        self._place = place
        self._executable = browser
        self._servers: dict[App, Server] = {}
        self._browser: Browser | None = None
        self._started = ExitStack()

    def open(
        self,
        notebook: Path,
        app: App = "lab",
        theme: Theme = "light",
        env: Mapping[str, str] | None = None,
    ) -> Lab:
        """Open a copy of a notebook whose kernel has these variables.

        Unless `env` says otherwise, the provider is the simulated one, with an empty
        cache and ledger.
        """
        server = self._server(app)
        folder = server.new_folder()
        own = {"COSTROUTE_HOME": f"{folder}-home", "COSTROUTE_PROVIDER": "simulated"}
        server.give_kernels(own | dict(env or {}))
        server.choose_theme(theme)
        copy = folder / notebook.name
        copy.write_bytes(notebook.read_bytes())
        return Lab(self.browser, server.address(copy), copy)

    def close(self) -> None:
        """End the browser and the servers."""
        self._started.close()

    def _server(self, app: App) -> Server:
        if app not in self._servers:
            self._servers[app] = server = Server(app, self._place / app)
            self._started.callback(server.close)
        return self._servers[app]

    @property
    def browser(self) -> Browser:
        """The browser, for pages that no server gives."""
        if self._browser is None:
            playwright = self._started.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(
                executable_path=self._executable, args=list(_BROWSER_OPTIONS)
            )
            self._started.callback(self._browser.close)
        return self._browser


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_json(place: Path, values: Mapping[str, Any]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(values), encoding="utf-8")
