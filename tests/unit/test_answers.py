import json
from dataclasses import replace
from typing import Any

import pytest

from costroute_nb.core.answers import CachedAnswer

ANSWER = CachedAnswer("text", "m", "end_turn", "c1", 12, "big")


def test_an_answer_survives_the_way_through_json() -> None:
    entry = json.loads(json.dumps(ANSWER.to_entry()))
    assert CachedAnswer.from_entry(entry) == ANSWER


def test_the_caches_time_stamp_is_read() -> None:
    answer = CachedAnswer.from_entry({**ANSWER.to_entry(), "stored_at": 5})
    assert answer is not None
    assert answer.stored_at == 5


@pytest.mark.parametrize(
    "change",
    [
        {"text": 3},
        {"model": None},
        {"stop_reason": None},
        {"baseline": "much"},
        {"baseline": True},
        {"stored_at": "yesterday"},
    ],
)
def test_an_entry_that_is_no_answer_is_a_miss(change: dict[str, Any]) -> None:
    assert CachedAnswer.from_entry({**ANSWER.to_entry(), **change}) is None


def test_an_answer_keeps_which_messages_it_was_made_without() -> None:
    answer = replace(ANSWER, left_out=(1, 4))
    entry = json.loads(json.dumps(answer.to_entry()))
    assert CachedAnswer.from_entry(entry) == answer


@pytest.mark.parametrize(
    "left_out", [None, 3, "12", [1, "2"], [True], [-1], [2, 1], [1, 1], [0.0]]
)
def test_what_are_no_positions_is_unknown(left_out: Any) -> None:
    answer = CachedAnswer.from_entry({**ANSWER.to_entry(), "left_out": left_out})
    assert answer is not None
    assert answer.left_out is None


def test_an_unknown_baseline_stays_unknown() -> None:
    answer = CachedAnswer.from_entry({**ANSWER.to_entry(), "baseline": None})
    assert answer is not None
    assert answer.baseline is None
