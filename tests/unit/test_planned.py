"""A plan shows what each candidate costs, and what differs between them only if it does."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from costroute_nb.core.call import Call
from costroute_nb.core.classification import Classification
from costroute_nb.core.messages import PromptCache, Request
from costroute_nb.core.offsets import Offsets
from costroute_nb.core.plan import Candidate, Plan, Quote, Trim
from costroute_nb.notebook.planned import plan_page
from costroute_nb.notebook.views import Page
from costroute_nb.tables import load_tables
from tests.support.estimators import estimate

CATALOG = load_tables().catalog
CALL = Call(prompt="p", typed="p")
CLASS = Classification(
    tier="small",
    task="mechanical_edit",
    reason="mechanical",
    rule="mechanical",
    floor=False,
    confidence=0.9,
    input_tokens=312,
)
TRIM = Trim(({"role": "user", "content": "x"},), 61_000, 12_000_000_000, "to fit 9")


def candidate(model: str = "claude-haiku-5-5", again: int = 0) -> Candidate:
    """Return a candidate that costs a cent, and at most a dollar."""
    spec = CATALOG.find(model)
    quote = Quote(None, 100, 90, 10**10, 10**12, again)
    return Candidate(
        model=model,
        provider="anthropic",
        tier=spec.tier,
        spec=spec,
        request=Request(messages=CALL.messages, max_tokens=100),
        quote=quote,
    )


def shown(candidates: Sequence[Candidate]) -> Page:
    """Return the page of a plan of these candidates."""
    return plan_page(
        Plan(CLASS, tuple(candidates), "rule: mechanical", ("x: retired",))
    )


PLAIN = ("candidate", "tier", "expected", "worst case", "cache")


def test_a_plain_plan_has_no_column_for_what_did_not_happen() -> None:
    page = shown([candidate()])
    assert page.columns == PLAIN
    assert page.rows == (("claude-haiku-5-5", "small", "$0.01", "$1.00", "miss"),)
    assert page.foot == (
        "not x: retired",
        "one attempt costs at most $1.00; nothing was sent",
    )


def test_an_effort_has_a_column_once_a_candidate_has_one() -> None:
    first, second = candidate(), candidate("claude-opus-5-5")
    thinks = replace(second, request=replace(second.request, effort="high"))
    page = shown([first, thinks])
    assert page.columns == ("candidate", "tier", "effort", *PLAIN[2:])
    assert [row[2] for row in page.rows] == ["none", "high"]


@pytest.mark.parametrize(
    ("served", "kept", "cell"),
    [
        (1_200, "5m", "about 1,200 read, kept 5 min"),
        (1_200, None, "about 1,200 read"),
        (0, "1h", "kept 1 h"),
    ],
)
def test_the_prompt_cache_has_a_column_once_it_is_used(
    served: int, kept: PromptCache | None, cell: str
) -> None:
    one = candidate()
    warm = replace(
        one,
        quote=replace(one.quote, served_tokens=served),
        request=replace(one.request, prompt_cache=kept),
    )
    page = shown([warm, candidate("claude-opus-5-5")])
    assert page.columns[2] == "prompt cache"
    assert [row[2] for row in page.rows] == [cell, "none"]


def test_what_is_left_out_is_said_once_for_all_it_is_left_out_of() -> None:
    models = ("claude-haiku-5-5", "claude-opus-5-5")
    page = shown([replace(candidate(model), trim=TRIM) for model in models])
    (line,) = [line for line in page.foot if "left out" in line]
    assert line.startswith("claude-haiku-5-5, claude-opus-5-5: 1 message left out")
    assert "61,000 tokens, $0.0120 less" in line


def test_what_was_trimmed_is_named_with_its_reason_alone() -> None:
    assert str(TRIM) == "1 message left out to fit 9"


def test_what_the_budget_has_against_a_plan_is_its_first_line() -> None:
    plan = Plan(CLASS, (candidate(),), "rule: mechanical", refusal="stopped: all of it")
    assert plan_page(plan).head[0] == "stopped: all of it"
    assert str(plan).endswith("; stopped: all of it")


def test_further_tries_are_in_the_worst_case_and_said_once() -> None:
    page = shown([candidate(again=10**12), candidate("claude-opus-5-5", again=10**12)])
    assert page.foot[-1] == (
        "one attempt costs at most $1.00, all of these together at most $4.00, with "
        "further tries of each counted in: longer where an answer is cut, and to repair "
        "it where that may be asked; nothing was sent"
    )


def test_one_candidate_alone_may_be_tried_further() -> None:
    page = shown([candidate(again=10**12)])
    assert page.foot[-1] == (
        "one attempt costs at most $1.00, all attempts together at most $2.00, with "
        "further tries of each counted in: longer where an answer is cut, and to repair "
        "it where that may be asked; nothing was sent"
    )


LEARNED = replace(
    CLASS,
    tier="medium",
    task="general",
    reason="learned: P(small fails) 34%, P(medium fails) 12%, like word counts",
    rule=None,
    p_small_fails=0.34,
    p_medium_fails=0.12,
    p_both_fail=0.1,
    known_domain=True,
    estimate=estimate(0.56, 0.12),
    offsets=Offsets(-0.9, 0.25, 63, 12),
)


def head_of(found: Classification) -> tuple[str, ...]:
    """Return what stands above the candidates of a plan of this class."""
    return plan_page(Plan(found, (candidate(),), "because")).head


def test_an_estimate_is_called_one_with_what_tipped_and_what_shifted_it() -> None:
    assert head_of(LEARNED)[:-1] == (
        "class: medium (general), no rule matched, an estimate, confidence 90%, about "
        "312 tokens in",
        "because: learned: P(small fails) 34%, P(medium fails) 12%, like word counts",
        "estimated before any shift: P(small fails) 56%, P(medium fails) 12%; tipped by "
        "many words",
        "small shifted by -0.9 logits from 63 judged answers; medium shifted by +0.2 "
        "logits from the stated prior until 50 judged answers exist (12 so far)",
    )


def test_where_nothing_is_stated_beforehand_nothing_is_called_shifted() -> None:
    found = replace(LEARNED, offsets=Offsets(0.0, 0.0, 0, 50))
    assert head_of(found)[-2] == (
        "small not shifted until 50 judged answers exist (0 so far); "
        "medium shifted by +0.0 logits from 50 judged answers"
    )


def test_an_unknown_domain_shows_the_nearest_one_and_no_chances() -> None:
    said = estimate(0.56, 0.12, known=False)
    outside = replace(
        CLASS,
        rule=None,
        reason="outside what the classifier knows",
        known_domain=False,
        estimate=said,
    )
    head = head_of(outside)
    assert "no rule matched, confidence" in head[0]
    assert head[1] == (
        "because: outside what the classifier knows; nearest domain word counts"
    )
    assert len(head) == 3
    nameless = head_of(replace(outside, estimate=replace(said, domain="")))
    assert nameless[1] == "because: outside what the classifier knows"


def test_a_class_by_rule_shows_no_estimate() -> None:
    assert len(head_of(CLASS)) == 3
    assert "rule mechanical" in head_of(CLASS)[0]
