import inspect
import pickle

import pytest

from costroute_nb import errors
from costroute_nb.core.messages import Completion, Usage
from costroute_nb.errors import CostRouteError, Interrupted, MissingKeyError

PARTIAL = Completion("half", Usage(3, output_tokens=2), "m")
TREE: list[type[CostRouteError]] = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, CostRouteError)
]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_survives_pickling_with_its_fields(
    kind: type[CostRouteError],
) -> None:
    again = pickle.loads(
        pickle.dumps(kind("what to do", limit_usd=0.5, partial=PARTIAL))
    )
    assert type(again) is kind
    assert str(again) == "what to do"
    assert vars(again) == {"limit_usd": 0.5, "partial": PARTIAL}


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_drawn_in_the_tree_and_explained(
    kind: type[CostRouteError],
) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__


@pytest.mark.parametrize("kind", [k for k in TREE if k is not MissingKeyError])
def test_an_error_shows_itself_in_one_line(kind: type[CostRouteError]) -> None:
    assert kind("a\n  b\n")._render_traceback_() == [f"{kind.__name__}: a b"]
    assert kind("")._render_traceback_() == [f"{kind.__name__}: "]


def test_a_missing_key_may_take_six_lines() -> None:
    text = "\n".join(f"line {n}" for n in range(9))
    assert len(MissingKeyError(text)._render_traceback_()) == 6


def test_an_interrupt_is_a_keyboard_interrupt_with_the_partial_answer() -> None:
    stop = Interrupted.during(PARTIAL)
    assert isinstance(stop, KeyboardInterrupt)
    assert pickle.loads(pickle.dumps(stop)).partial == PARTIAL
