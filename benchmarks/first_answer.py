"""From nothing to the first printed answer, beside a script with the bare SDK."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.report import beside
from benchmarks.timing import fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.place import Place
    from benchmarks.report import Line

_PROMPT = "Translate this to French: the tide was out ({})"
_MOST_RATIO = 1.3

_TIMED = """
import time
started = time.perf_counter()
import sys
{work}
print(time.perf_counter() - started)
"""
_BARE = """
import anthropic
client = anthropic.Anthropic()
with client.messages.stream(
    model="claude-haiku-5-5",
    max_tokens=4096,
    thinking={"type": "disabled"},
    messages=[{"role": "user", "content": sys.argv[1]}],
) as events:
    print("".join(events.text_stream), flush=True)
"""
_OURS = """
import costroute_nb
print(costroute_nb.default_session().route(sys.argv[1]), flush=True)
"""
_IN_IPYTHON = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
ip = InteractiveShell.instance()
started = time.perf_counter()
for cell in {cells!r}:
    ip.run_cell(cell.replace("PROMPT", sys.argv[1])).raise_error()
print(time.perf_counter() - started)
"""
_BARE_CELLS = ["import sys\n" + _BARE]
_OUR_CELLS = ["%load_ext costroute_nb", "%%route\nPROMPT"]


def measure(place: Place) -> Iterator[Line]:
    prices = place.home("default") / "prices.json"
    numbers = count()

    def run(code: str, forget_prices: bool = False) -> float:
        if forget_prices:
            prices.unlink(missing_ok=True)
        return fresh(code, _PROMPT.format(next(numbers)), at=place.directory)

    def script(work: str, forget_prices: bool = False) -> Callable[[], float]:
        return partial(run, _TIMED.replace("{work}", work), forget_prices)

    def cells(them: list[str]) -> Callable[[], float]:
        return partial(run, _IN_IPYTHON.format(cells=them))

    rounds = place.times(7, 1)
    bare, known, unknown = _in_turns(
        (script(_BARE), script(_OURS), script(_OURS, forget_prices=True)), rounds
    )
    peer = "SDK script"
    for subject, times in (
        ("first answer, prices on disk", known),
        ("first answer, prices unread", unknown),
    ):
        yield beside(subject, times, peer, bare, most_ratio=_MOST_RATIO)
    bare, ours = _in_turns((cells(_BARE_CELLS), cells(_OUR_CELLS)), rounds)
    subject, peer = "first %%route cell, with %load_ext", "SDK cell"
    yield beside(subject, ours, peer, bare, most_ratio=_MOST_RATIO)


def _in_turns(
    runs: tuple[Callable[[], float], ...], rounds: int
) -> list[tuple[float, ...]]:
    """Return the times of each, taken in turns after one run that may compile."""
    times = [[run() for run in runs] for _ in range(rounds + 1)][1:]
    return list(zip(*times, strict=True))
