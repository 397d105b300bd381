from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.budget import ceiling_at
from costroute_nb.core.call import Call
from costroute_nb.core.catalog import Catalog, Model
from costroute_nb.core.classification import Classification, Task
from costroute_nb.core.expectation import least_expected
from costroute_nb.core.messages import Request
from costroute_nb.core.plan import Draft, Plan, Quote
from costroute_nb.core.policy import baseline_model, degrade, make_plan
from costroute_nb.core.shaping import THINKING_HEADROOM, cap_to_ask, doubled, shape
from costroute_nb.core.thread import Thread
from costroute_nb.errors import NoCapableModelError, UnknownModelError

TODAY = date(2026, 11, 22)
GENERAL = Task(name="general", thinking="auto", effort=None, expected_output_tokens=600)
MECHANICAL = Task(
    name="extraction", thinking="off", effort="low", expected_output_tokens=300
)


def model(name: str, tier: str, **facts: object) -> Model:
    base = Model(
        id=name,
        provider="anthropic",
        tier=tier,  # type: ignore[arg-type]
        line=f"{tier}-line",
        tokenizer="claude-2026",
        context_window=1_000_000,
        max_output=128_000,
        thinks=True,
        efforts=("low", "medium", "high"),
    )
    return replace(base, **facts)  # type: ignore[arg-type]


SMALL = model("little", "small")
MEDIUM = model("middle", "medium", thinking_off="between_tools")
LARGE = model("big", "large", thinking_off="never")
MODELS = (SMALL, MEDIUM, LARGE)


def classification(
    tier: str = "medium",
    *,
    rule: str | None = None,
    floor: bool = False,
    size: int = 20,
) -> Classification:
    return Classification(
        tier=tier,  # type: ignore[arg-type]
        task="general",
        confidence=0.5,
        reason="because",
        rule=rule,
        floor=floor,
        input_tokens=size,
    )


def asked(**options: object) -> Call:
    return Call(prompt="hello there", typed="hello there", **options)  # type: ignore[arg-type]


def drafted(model: Model, request: Request, tokens: int = 30) -> Draft:
    cost = {"little": 1, "middle": 20, "big": 40}.get(model.id, 5)
    return Draft(request, Quote(None, 100, tokens, cost, cost * 10))


def planned(
    call: Call, found: Classification, models: tuple[Model, ...] = MODELS
) -> Plan:
    return make_plan(
        call,
        found,
        catalog=Catalog(models),
        task=GENERAL,
        default_max_tokens=4096,
        on=TODAY,
        draft=lambda model, request: drafted(model, request, found.input_tokens),
    )


def ids(plan: Plan) -> list[str]:
    return [candidate.model for candidate in plan.candidates]


def test_candidates_go_from_the_classified_tier_upward() -> None:
    assert ids(planned(asked(), classification("medium"))) == ["middle", "big"]


def test_no_escalation_leaves_one_candidate() -> None:
    assert ids(planned(asked(escalate=False), classification("small"))) == ["little"]


def test_within_a_tier_the_least_expected_cost_comes_first() -> None:
    cheap = model("cheaper", "medium")
    plan = planned(asked(), classification(), (MEDIUM, cheap, LARGE))
    assert ids(plan) == ["cheaper", "middle", "big"]


def test_a_model_without_a_price_comes_after_the_priced_ones_of_its_tier() -> None:
    def draft(model: Model, request: Request) -> Draft:
        known = drafted(model, request)
        unpriced = replace(known.quote, expected=None)
        return replace(known, quote=unpriced) if model is MEDIUM else known

    other = model("other", "medium")
    plan = make_plan(
        asked(),
        classification(),
        catalog=Catalog((MEDIUM, other)),
        task=GENERAL,
        default_max_tokens=10,
        on=TODAY,
        draft=draft,
    )
    assert ids(plan) == ["other", "middle"]
    assert plan.worst_usd is not None
    assert plan.candidates[1].expected_usd is None


def test_the_worst_case_of_a_plan_is_unknown_if_one_candidates_is() -> None:
    plan = planned(asked(), classification("small"))
    first = plan.candidates[0]
    unknown = replace(first, quote=replace(first.quote, worst=None))
    assert replace(plan, candidates=(unknown,)).worst_usd is None


def test_a_tier_asked_for_wins_over_the_rule_and_says_so_below_a_floor() -> None:
    found = classification("large", rule="security", floor=True)
    plan = planned(asked(tier="small"), found)
    assert plan.tier == "small"
    assert "below the floor" in plan.reason
    assert "security" in plan.reason


def test_a_floor_asked_for_raises_the_tier() -> None:
    plan = planned(asked(floor="large"), classification("small", rule="format"))
    assert ids(plan) == ["big"]
    assert plan.reason.startswith("floor: large")


def test_a_floor_asked_for_below_the_class_changes_nothing() -> None:
    plan = planned(asked(floor="small"), classification("medium"))
    assert plan.reason == "default"


def test_a_ceiling_lowers_what_only_a_plain_rule_asked_for() -> None:
    plan = planned(asked(ceiling="small"), classification("medium"))
    assert ids(plan) == ["little"]
    assert plan.reason.startswith("ceiling: small")


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (asked(ceiling="medium"), classification("large", rule="cve", floor=True)),
        (asked(ceiling="small", tier="medium"), classification("small")),
        (asked(ceiling="small", floor="large"), classification("small")),
    ],
)
def test_a_ceiling_below_a_floor_or_a_named_tier_is_refused(
    call: Call, found: Classification
) -> None:
    with pytest.raises(NoCapableModelError, match="ceiling"):
        planned(call, found)


def test_a_named_model_is_the_only_candidate() -> None:
    hidden = model("special", "large", routed=False)
    plan = planned(asked(model="special"), classification(), (*MODELS, hidden))
    assert ids(plan) == ["special"]
    assert plan.reason == "model: asked for"


def test_an_unknown_model_names_the_closest() -> None:
    with pytest.raises(UnknownModelError, match="middle"):
        planned(asked(model="midle"), classification())


def test_routing_never_picks_a_model_that_only_its_name_brings() -> None:
    hidden = replace(MEDIUM, routed=False)
    assert ids(planned(asked(), classification(), (hidden, LARGE))) == ["big"]


def test_a_retired_model_is_excluded_from_its_day_on() -> None:
    leaving = replace(MEDIUM, retires=TODAY)
    plan = planned(asked(), classification(), (leaving, LARGE))
    assert ids(plan) == ["big"]
    assert plan.excluded == ("middle: retired by its provider",)


def test_what_does_not_fit_the_context_window_is_excluded() -> None:
    narrow = replace(MEDIUM, context_window=5_000)
    plan = planned(asked(), classification(size=3_000), (narrow, LARGE))
    assert ids(plan) == ["big"]
    assert "context window" in plan.excluded[0]


def test_a_schema_needs_a_model_that_enforces_it() -> None:
    loose = replace(MEDIUM, structured_output=False)
    plan = planned(asked(schema={"type": "object"}), classification(), (loose, LARGE))
    assert ids(plan) == ["big"]


def test_no_model_left_says_why_each_is_out() -> None:
    narrow = tuple(replace(m, context_window=10) for m in MODELS)
    with pytest.raises(NoCapableModelError, match=r"little.*middle.*big") as caught:
        planned(asked(), classification("small"), narrow)
    assert len(caught.value.reasons) == 3


def test_no_model_at_all_names_the_provider() -> None:
    with pytest.raises(NoCapableModelError, match="anthropic"):
        planned(asked(), classification(), ())


def test_the_simulated_provider_stands_in_for_the_default_one() -> None:
    plan = planned(asked(provider="simulated"), classification("large"))
    assert [(c.model, c.provider) for c in plan.candidates] == [("big", "simulated")]


def test_mechanical_work_does_not_think_on_the_small_tier() -> None:
    request = shape(asked(), SMALL, MECHANICAL, 4096)
    assert (request.thinking, request.effort, request.max_tokens) == ("off", None, 4096)


def test_mechanical_work_on_a_higher_tier_thinks_with_little_effort() -> None:
    request = shape(asked(), LARGE, MECHANICAL, 4096)
    assert (request.thinking, request.effort) == ("auto", "low")


def test_thinking_gets_head_room_on_top_of_the_default_cap() -> None:
    request = shape(asked(), MEDIUM, GENERAL, 4096)
    assert request.max_tokens == 4096 + THINKING_HEADROOM


def test_a_tight_cap_turns_thinking_off_and_stays_as_given() -> None:
    request = shape(asked(max_tokens=64), MEDIUM, GENERAL, 4096)
    assert (request.thinking, request.max_tokens) == ("off", 64)


def test_a_tight_cap_gets_head_room_where_thinking_cannot_be_turned_off() -> None:
    request = shape(asked(max_tokens=64), LARGE, GENERAL, 4096)
    assert request.max_tokens == 64 + THINKING_HEADROOM


def test_a_wide_cap_is_sent_as_given_and_leaves_thinking_alone() -> None:
    request = shape(asked(max_tokens=9000), LARGE, GENERAL, 4096)
    assert (request.thinking, request.max_tokens) == ("auto", 9000)


def test_a_model_that_does_not_think_gets_the_cap_as_it_is() -> None:
    plain = replace(MEDIUM, thinks=False, efforts=())
    request = shape(asked(), plain, MECHANICAL, 4096)
    assert (request.thinking, request.effort, request.max_tokens) == (
        "auto",
        None,
        4096,
    )


def test_a_cap_never_passes_the_models_longest_answer() -> None:
    short = replace(MEDIUM, max_output=1000)
    assert shape(asked(), short, GENERAL, 4096).max_tokens == 1000


def test_a_doubled_cap_stops_at_the_models_longest_answer() -> None:
    request = planned(asked(), classification()).candidates[0].request
    again = doubled(asked(), MEDIUM, request)
    assert again is not None
    assert again.max_tokens == 2 * request.max_tokens
    full = replace(MEDIUM, max_output=request.max_tokens)
    assert doubled(asked(), full, request) is None


@pytest.mark.parametrize("options", [{"max_tokens": 9}, {"escalate": False}])
def test_a_cap_of_the_users_own_and_no_escalation_are_never_doubled(
    options: dict[str, Any],
) -> None:
    request = planned(asked(), classification()).candidates[0].request
    assert doubled(asked(**options), MEDIUM, request) is None


def test_a_context_with_a_ceiling_of_ones_own_is_kept_when_degrading() -> None:
    call = asked(ceiling="small")
    plan = planned(call, classification())
    assert degrade(call, plan, "medium") is call


@pytest.mark.parametrize("model", [SMALL, MEDIUM, LARGE])
@pytest.mark.parametrize("asked_for", [1, 64, THINKING_HEADROOM, 4095, 4096, 9000])
@pytest.mark.parametrize("effort", [None, "low"])
def test_the_cap_to_ask_for_undoes_what_shaping_adds(
    model: Model, asked_for: int, effort: str | None
) -> None:
    call = asked(max_tokens=asked_for, effort=effort)
    sent = shape(call, model, GENERAL, 4096).max_tokens
    back = cap_to_ask(call, model, sent)
    assert back is not None
    again = shape(replace(call, max_tokens=back), model, GENERAL, 4096).max_tokens
    assert again <= sent


def test_a_cap_without_room_for_an_answer_is_none() -> None:
    assert cap_to_ask(asked(), LARGE, THINKING_HEADROOM) is None


def test_an_effort_of_the_users_own_wins_over_the_tasks() -> None:
    call = asked(effort="high")
    for model in MODELS:
        request = shape(call, model, MECHANICAL, 4096)
        assert (request.effort, request.thinking) == ("high", "auto")
        assert request.max_tokens == 4096 + THINKING_HEADROOM


def test_a_model_that_cannot_but_think_is_told_to_think_little() -> None:
    request = shape(asked(max_tokens=64), LARGE, GENERAL, 4096)
    assert (request.thinking, request.effort) == ("off", "low")


def test_a_model_without_that_effort_is_out_and_the_reason_says_so() -> None:
    plain = replace(SMALL, efforts=("low",))
    found = classification("small")
    plan = planned(asked(effort="high"), found, (plain, MEDIUM, LARGE))
    assert ids(plan) == ["middle", "big"]
    assert plan.excluded == ("little: takes no effort high",)


def in_thread(
    served: dict[str, int], ahead: dict[str, int] | None = None, **options: object
) -> Plan:
    """Plan a small call; `served` is what each one costs with its prompt cache.

    `ahead` is what it costs with the calls that are expected to follow.
    """

    def draft(model: Model, request: Request) -> Draft:
        known = drafted(model, request)
        later = (ahead or {}).get(model.id)
        known = replace(known, quote=replace(known.quote, ahead=later))
        if model.id not in served:
            return known
        cost = served[model.id]
        return replace(
            known, quote=replace(known.quote, expected=cost, served_tokens=900)
        )

    return make_plan(
        asked(thread=Thread("t"), **options),
        classification("small", rule="extraction"),
        catalog=Catalog(MODELS),
        task=GENERAL,
        default_max_tokens=10,
        on=TODAY,
        draft=draft,
    )


def test_a_higher_model_whose_prompt_cache_is_cheaper_comes_first() -> None:
    plan = in_thread({"middle": 0})
    assert ids(plan) == ["middle", "big"]
    assert plan.reason == (
        "rule: extraction; the thread's prompt cache makes medium cheaper"
    )


def test_a_prompt_cache_that_saves_too_little_changes_nothing() -> None:
    plan = in_thread({"middle": 1})
    assert (ids(plan), plan.reason) == (["little", "middle", "big"], "rule: extraction")


def test_a_prompt_cache_is_left_where_the_next_calls_cost_more_with_it() -> None:
    assert ids(in_thread({"middle": 0}, ahead={"little": 9, "middle": 10})) == [
        "little",
        "middle",
        "big",
    ]
    assert ids(in_thread({"middle": 9}, ahead={"little": 9, "middle": 8})) == [
        "middle",
        "big",
    ]


def test_the_first_models_own_prompt_cache_changes_nothing() -> None:
    assert ids(in_thread({"little": 1, "middle": 0})) == ["little", "middle", "big"]


@pytest.mark.parametrize("options", [{"tier": "small"}, {"model": "little"}])
def test_a_tier_or_model_that_was_asked_for_stays_in_a_thread(
    options: dict[str, Any],
) -> None:
    assert ids(in_thread({"middle": 0}, **options))[0] == "little"


def test_the_plan_of_a_call_in_a_thread_tells_its_size() -> None:
    said = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})
    plan = planned(asked(thread=Thread("t", said)), classification())
    assert "thread t: 2 messages before this one, about 20 tokens" in str(plan)


@pytest.mark.parametrize(
    ("share", "tier"),
    [
        (0.0, None),
        (0.79, None),
        (0.8, "medium"),
        (0.94, "medium"),
        (0.95, "small"),
        (2, "small"),
    ],
)
def test_a_spent_share_lowers_the_ceiling_in_steps(
    share: float, tier: str | None
) -> None:
    assert ceiling_at(share) == tier


def test_the_baseline_is_the_highest_tier_that_routing_has() -> None:
    assert baseline_model(Catalog(MODELS)) is LARGE
    assert baseline_model(Catalog((SMALL,))) is SMALL
    with pytest.raises(NoCapableModelError, match=r"tiers\.toml"):
        baseline_model(Catalog(()))


def test_a_plan_is_told_in_one_line() -> None:
    assert str(planned(asked(), classification())) == (
        "medium (default): middle, about $0.000000000020, at most $0.00000000020; "
        "then big"
    )


def test_a_plan_reads_as_one_line() -> None:
    line = str(planned(asked(), classification("medium")))
    assert line.startswith("medium (default): middle, about $")
    assert line.endswith("; then big")
    alone = planned(asked(escalate=False), classification("medium"))
    assert "then" not in str(alone)


def test_a_floor_within_the_ceiling_goes_with_it() -> None:
    call = asked(floor="medium", ceiling="medium")
    found = planned(call, classification("large"))
    assert (found.tier, found.reason) == ("medium", "ceiling: medium (default)")


# Failed attempts, where an estimate decided and an answer can be rejected

CHECKED = asked(check=lambda result: True)


def estimated(
    small: float, medium: float, both: float, tier: str = "medium"
) -> Classification:
    return replace(
        classification(tier),
        known_domain=True,
        p_small_fails=small,
        p_medium_fails=medium,
        p_both_fail=both,
    )


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ((0.3, 0.1, 0.1), ["little", "middle", "big"]),
        ((0.3, 0.29, 0.29), ["little", "big"]),
        ((0.9, 0.1, 0.1), ["little", "middle", "big"]),
        ((1.0, 0.1, 0.1), ["middle", "big"]),
        ((1.0, 0.9, 0.9), ["big"]),
    ],
)
def test_what_can_be_rejected_is_tried_in_the_order_of_least_expected_cost(
    chances: tuple[float, float, float], expected: list[str]
) -> None:
    assert ids(planned(CHECKED, estimated(*chances))) == expected


def test_a_plan_says_that_failed_attempts_were_counted() -> None:
    plan = planned(CHECKED, estimated(0.3, 0.1, 0.1))
    assert plan.reason == (
        "learned: P(small fails) 30%; the least expected cost, failed attempts included"
    )


def test_a_schema_can_reject_an_answer_too() -> None:
    plan = planned(asked(schema={"type": "object"}), estimated(0.3, 0.1, 0.1))
    assert plan.tier == "small"


def test_in_a_thread_the_class_decides_and_what_is_kept_of_its_prompt_cache() -> None:
    call = replace(CHECKED, thread=Thread("t"))
    plan = planned(call, estimated(0.3, 0.1, 0.1))
    assert (ids(plan), plan.reason) == (
        ["middle", "big"],
        "learned: P(medium fails) 10%",
    )


@pytest.mark.parametrize(
    ("tier", "reason", "expected"),
    [
        ("small", "learned: P(small fails) 30%", ["little", "middle", "big"]),
        ("medium", "learned: P(medium fails) 10%", ["middle", "big"]),
        ("large", "learned: P(medium fails) 10%", ["big"]),
    ],
)
def test_what_nothing_can_reject_begins_with_the_class(
    tier: str, reason: str, expected: list[str]
) -> None:
    plan = planned(asked(), estimated(0.3, 0.1, 0.1, tier))
    assert (plan.reason, ids(plan)) == (reason, expected)


def test_without_a_next_attempt_the_class_decides() -> None:
    call = replace(CHECKED, escalate=False)
    assert ids(planned(call, estimated(0.3, 0.1, 0.1))) == ["middle"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"floor": "medium"}, ["middle", "big"]),
        ({"floor": "large"}, ["big"]),
        ({"ceiling": "medium"}, ["little", "middle"]),
        ({"ceiling": "small"}, ["little"]),
        ({"tier": "large"}, ["big"]),
        ({"model": "middle"}, ["middle"]),
    ],
)
def test_failed_attempts_change_nothing_of_what_the_user_says(
    options: dict[str, Any], expected: list[str]
) -> None:
    found = estimated(0.3, 0.1, 0.1, "large")
    assert ids(planned(replace(CHECKED, **options), found)) == expected


def test_a_rule_is_no_estimate_to_plan_failed_attempts_by() -> None:
    found = classification("large", rule="security", floor=True)
    assert ids(planned(CHECKED, found)) == ["big"]


def test_of_a_tier_that_may_fail_only_the_cheapest_model_is_asked() -> None:
    cheap, dear = model("cheap", "small"), model("dear", "large")
    models = (SMALL, cheap, MEDIUM, LARGE, dear)
    plan = planned(CHECKED, estimated(0.1, 0.09, 0.09), models)
    assert ids(plan) == ["little", "dear", "big"]


def test_without_a_price_the_tiers_are_tried_upward_from_the_class() -> None:
    def draft(model: Model, request: Request) -> Draft:
        known = drafted(model, request)
        unpriced = replace(known.quote, expected=None)
        return replace(known, quote=unpriced) if model is SMALL else known

    plan = make_plan(
        CHECKED,
        estimated(0.3, 0.1, 0.1),
        catalog=Catalog(MODELS),
        task=GENERAL,
        default_max_tokens=10,
        on=TODAY,
        draft=draft,
    )
    assert (ids(plan), plan.reason) == (
        ["middle", "big"],
        "learned: P(medium fails) 10%",
    )


def test_a_call_whose_class_no_model_can_serve_is_not_left_to_a_lower_tier() -> None:
    found = replace(estimated(0.3, 0.1, 0.1), input_tokens=900_000)
    narrow = replace(MEDIUM, context_window=1_000)
    with pytest.raises(NoCapableModelError, match="context window"):
        planned(CHECKED, found, (SMALL, narrow))


@given(
    st.lists(st.integers(1, 10**12), min_size=3, max_size=3),
    st.lists(st.integers(0, 1000), min_size=3, max_size=3),
)
def test_no_other_order_is_expected_to_cost_less(
    costs: list[int], cuts: list[int]
) -> None:
    # Thousandths of prompts at which small alone, both and nobody fails.
    one, two, _ = sorted(cuts)
    both, alone = Fraction(one, 1000), Fraction(two - one, 1000)
    of = dict(zip(("little", "middle", "big"), costs, strict=True))

    def draft(model: Model, request: Request) -> Draft:
        return Draft(request, Quote(None, 100, 30, of[model.id], 10**13))

    plan = make_plan(
        CHECKED,
        estimated(float(alone + both), float(both), float(both)),
        catalog=Catalog(MODELS),
        task=GENERAL,
        default_max_tokens=10,
        on=TODAY,
        draft=draft,
    )

    def expected(names: Sequence[str]) -> Fraction:
        """Sum over what may happen: nobody fails, small alone, small and medium."""
        total = Fraction(0)
        for chance, failing in (
            (1 - alone - both, ()),
            (alone, ("little",)),
            (both, ("little", "middle")),
        ):
            for name in names:
                total += chance * of[name]
                if name not in failing:
                    break
        return total

    others = (
        (*lower, "big")
        for lower in ((), ("little",), ("middle",), ("little", "middle"))
    )
    least = min(map(expected, others))
    assert expected(ids(plan)) <= least + Fraction(sum(costs) * 3, 10**9)


def test_without_an_estimate_no_order_is_expected_to_cost_least() -> None:
    found = Classification("medium", "general", 0.5, "no rule matched", None, False, 9)
    assert least_expected((), found) is None
