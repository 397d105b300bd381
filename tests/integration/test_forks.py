"""A fork while another thread builds or reads: neither process hangs."""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from costroute_nb.forks import lock_across_forks
from costroute_nb.pricing import PriceBook, book
from costroute_nb.providers.anthropic import AnthropicProvider, provider
from tests.support.stores import ON_POSIX

pytestmark = ON_POSIX
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SECONDS = 5


@pytest.fixture(autouse=True)
def forking_beside_threads() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def child(work: Callable[[], object]) -> int:
    """Return the signal that ended a child, 0 if it did its work in time."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def held_up(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> threading.Event:
    """Let the first call of a function take a while; the event tells that it began."""
    begun = threading.Event()
    function = getattr(module, name)

    def slow(*given: object) -> object:
        if not begun.is_set():
            begun.set()
            threading.Event().wait(0.3)
        return function(*given)

    monkeypatch.setattr(module, name, slow)
    return begun


def test_a_child_forked_while_a_client_is_built_builds_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-nobody")
    begun = held_up(monkeypatch, provider, "_build_client")
    asked = AnthropicProvider()

    def build() -> None:
        asked._client(asked._credentials())

    thread = threading.Thread(target=build)
    thread.start()
    begun.wait()
    assert child(build) == 0
    thread.join()
    build()
    asked.close()


def test_a_child_forked_while_prices_are_read_finds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = held_up(monkeypatch, book, "read_published")
    prices = PriceBook()

    def look() -> None:
        assert prices.price("claude-haiku-5-5", "anthropic", NOW) is not None

    thread = threading.Thread(target=look)
    thread.start()
    begun.wait()
    assert child(look) == 0
    thread.join()


def test_a_thread_that_holds_the_lock_may_fork() -> None:
    lock = lock_across_forks()

    def use() -> None:
        with lock:
            pass

    with lock:
        assert child(use) == 0
    use()
