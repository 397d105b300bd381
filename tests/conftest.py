"""What every test gets: homes of its own, no credentials, no network."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Read before any fixture takes the environment away.
_REAL_ENVIRONMENT = dict(os.environ)

_DROPPED = ("ANTHROPIC_", "OPENAI_", "MINIMAX_", "COSTROUTE_", "JUPYTER_")
# How the run itself was set up; not settings of the product.
_KEPT = ("COSTROUTE_TEST_",)
# A proxy would carry requests off the machine without a connection of ours to refuse.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")

# Wall-clock deadlines say more about a loaded machine than about the code; in CI the
# examples are the same on every run, so that a red build can be repeated.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


class NetworkAccessError(RuntimeError):
    """A test tried to leave the machine.

    Not an OSError: code that survives connection errors must not survive this one.
    """


def pytest_configure() -> None:
    """Check which copy of the package is under test, and name a browser."""
    # Started in the background of a script, a process ignores interrupts, and Python
    # then installs no handler of its own: the tests of Ctrl-C need it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    import costroute_nb

    origin = Path(next(iter(costroute_nb.__path__))).resolve()
    wheel = os.environ.get("COSTROUTE_TEST_WHEEL")
    if wheel and not origin.is_relative_to(Path(wheel).resolve()):
        raise pytest.UsageError(f"testing {origin}, which is not the wheel in {wheel}")
    if "COSTROUTE_TEST_BROWSER" not in os.environ:  # started without make
        names = ("chromium", "chromium-browser", "google-chrome")
        if found := next(filter(None, map(shutil.which, names)), None):
            os.environ["COSTROUTE_TEST_BROWSER"] = found


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip browser tests where no browser could be had."""
    if item.get_closest_marker("browser") and not os.environ.get(
        "COSTROUTE_TEST_BROWSER"
    ):
        # For `pytest` by hand only: in CI the hook below makes every skip a failure.
        pytest.skip("no chromium starts here; `make test` says what it tried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: what was not run was not tested."""
    report = yield
    # Only to turn it into a failure: nothing is skipped here.
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
        why = call.excinfo.value if call.excinfo else "no reason given"
        report.longrepr = f"CI skips nothing: {item.nodeid}: {why}"
    return report


def _isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Point every per-user directory below `home` and drop what could pay or leak."""
    for name in list(os.environ):
        ours = name.startswith(_DROPPED) and not name.startswith(_KEPT)
        if ours or name.lower() in _PROXIES:
            patch.delenv(name)
    places = {
        "HOME": home,
        "USERPROFILE": home,
        "APPDATA": home / "AppData" / "Roaming",
        "LOCALAPPDATA": home / "AppData" / "Local",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_RUNTIME_DIR": home / ".run",
        "COSTROUTE_HOME": home / "costroute",
        "ANTHROPIC_CONFIG_DIR": home / ".config" / "anthropic",
        "IPYTHONDIR": home / ".ipython",
        "JUPYTER_CONFIG_DIR": home / ".jupyter",
        "JUPYTER_DATA_DIR": home / ".local" / "share" / "jupyter",
        "JUPYTER_RUNTIME_DIR": home / ".run" / "jupyter",
    }
    for name, place in places.items():
        patch.setenv(name, str(place))
    (home / ".run").mkdir(mode=0o700)
    # Weights that are learned anew must not move tests of something else.
    patch.setenv("COSTROUTE_CLASSIFIER", "rules")
    patch.setenv("JUPYTER_PLATFORM_DIRS", "1")  # otherwise jupyter_core may warn
    patch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session")
def real_environment() -> dict[str, str]:
    """Return the developer's environment, for tools that a test runs on purpose.

    pip needs the real home for its configuration. Credentials and settings of the
    product are left out, and so is what would measure or replace the package there.
    """
    away = (*_DROPPED, "COVERAGE_", "PYTHONPATH", "VIRTUAL_ENV")
    return {k: v for k, v in _REAL_ENVIRONMENT.items() if not k.startswith(away)}


@pytest.fixture(scope="session", autouse=True)
def _session_environment(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Isolate kernels and servers that live longer than one test."""
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(autouse=True)
def home(_session_environment: None) -> Iterator[Path]:
    """Give the test a home directory that is empty and gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="costroute-home-"))
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, place)
        yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let subprocesses run at full speed, without coverage: for tests that time them."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)


def _stays_on_this_machine(host: object) -> bool:
    """Whether an address or name means this machine."""
    if host in (None, "", "localhost", b"localhost", socket.gethostname()):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_unless_local(host: object) -> None:
    if not _stays_on_this_machine(host):
        raise NetworkAccessError(f"a test tried to reach {host!r} beyond this machine")


@pytest.fixture(autouse=True)
def _no_network(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refuse names and connections beyond loopback, unless marked ``network``."""
    if request.node.get_closest_marker("network"):
        return
    resolve = socket.getaddrinfo

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_unless_local(host)
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _guarded(name))


def _guarded(name: str) -> Any:
    """Wrap a socket method whose last argument is the address."""
    method = getattr(socket.socket, name)

    def call(self: socket.socket, *args: Any) -> Any:
        address = args[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_unless_local(address[0])
        return method(self, *args)

    return call
