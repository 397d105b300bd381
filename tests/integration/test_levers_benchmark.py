"""The benchmark of the levers: its workload, its replays, and its table in the README."""

import re
from pathlib import Path

import pytest

from benchmarks.bill import HEADINGS, Bill, share, table
from benchmarks.levers import LARGE, LINES, replay
from benchmarks.levers_report import report
from benchmarks.model_answers import THINKING
from benchmarks.workload import AGENT_TOKENS, ASKS, SMALL, shares, workload
from costroute_nb.offline import classify

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def bills(_session_environment: None) -> dict[str, Bill]:
    """Run the small workload with each line's levers."""
    return {levers.name: replay(levers, SMALL) for levers in LINES}


def test_the_workload_has_at_least_2000_calls_and_many_of_each_kind() -> None:
    jobs = workload()
    assert len(jobs) >= 2000
    assert len(shares(jobs)) == 6
    assert min(shares(jobs).values()) >= 50


def test_the_workload_is_the_same_at_each_run() -> None:
    assert workload() == workload()


def test_only_what_is_called_a_repeat_was_asked_before() -> None:
    asked: set[str] = set()
    for job in workload():
        if not job.output:
            assert job.repeats == (job.prompt in asked)
            asked.add(job.prompt)


def test_an_agents_steps_keep_their_order() -> None:
    jobs = [job for job in workload() if job.run == "run 0"]
    assert [bool(job.output) for job in jobs] == [False] + [True] * (len(jobs) - 1)


def test_the_ways_of_asking_meet_rules_of_every_tier() -> None:
    tiers = {classify(ask.words).tier for ask in ASKS}
    assert tiers == {"small", "medium", "large"}


def test_the_first_line_sends_every_call_to_the_large_model(
    bills: dict[str, Bill],
) -> None:
    first = bills["all on the large model"]
    assert first.sent == {LARGE: len(workload(SMALL))}


def test_routing_sends_the_same_prompts_to_cheaper_models(
    bills: dict[str, Bill],
) -> None:
    first, routing = bills["all on the large model"], bills["routing"]
    assert routing.tokens.prompt == first.tokens.prompt
    assert len(routing.sent) == 3
    assert routing.billed < first.billed
    assert routing.earlier < first.earlier


def test_the_cache_answers_every_repeat(bills: dict[str, Bill]) -> None:
    spared = bills["routing"].requests - bills["+ cache"].requests
    assert spared == SMALL.repeats


def test_trimming_keeps_agents_prompts_within_their_budget(
    bills: dict[str, Bill],
) -> None:
    whole, trimmed = bills["+ cache"], bills["+ trimming"]
    assert whole.largest_of("agent step") > AGENT_TOKENS
    assert trimmed.largest_of("agent step") <= AGENT_TOKENS


def test_a_schema_shortens_the_answers_of_extractions_only(
    bills: dict[str, Bill],
) -> None:
    plain, structured = bills["+ trimming"], bills["+ structured output"]
    assert structured.answer_of("extraction") < plain.answer_of("extraction")
    assert structured.answer_of("small edit") == plain.answer_of("small edit")


def test_planned_effort_thinks_about_nothing_mechanical(bills: dict[str, Bill]) -> None:
    small = "claude-haiku-5-5"
    unplanned, planned = bills["+ structured output"], bills["+ effort"]
    each = unplanned.usage[small].thinking / unplanned.sent[small]
    assert each == THINKING["medium"]
    assert planned.usage[small].thinking == 0


def test_low_effort_is_what_agents_ask_for(bills: dict[str, Bill]) -> None:
    before, after = bills["+ effort"], bills["+ low effort for agents"]
    assert after.tokens.thinking < before.tokens.thinking
    assert after.tokens.prompt == before.tokens.prompt


def test_threads_read_the_prompt_cache(bills: dict[str, Bill]) -> None:
    assert bills["+ low effort for agents"].tokens.cache_read == 0
    assert bills["+ prompt caching"].tokens.cache_read > 0


def test_the_report_has_what_was_found_beside_each_claim(
    bills: dict[str, Bill],
) -> None:
    text = " ".join(report(list(bills.values()), SMALL).split())
    first, routing = bills["all on the large model"], bills["routing"]
    last = bills["+ prompt caching"]
    assert f"routing saves 56%; here {share(routing.billed, first.billed)}" in text
    assert f"together save 74%; here {share(last.billed, first.billed)}" in text


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def shape(shown: str) -> list[list[str]]:
    """Return a table with every number replaced by the form it has."""
    lines = [cells(line) for line in shown.splitlines()]
    return [
        [first, *(re.sub(r"-?[\d,]+", "0", cell) for cell in others)]
        for first, *others in lines
        if not set(first) <= {"-"}
    ]


def test_the_table_of_the_readme_is_one_that_the_benchmark_prints(
    bills: dict[str, Bill],
) -> None:
    printed = table(list(bills.values()))
    heading = re.escape(f"| {HEADINGS[0]} ")
    found = re.search(rf"^{heading}.*\n(\|.*\n)+", README.read_text("utf-8"), re.M)
    assert found is not None
    assert shape(found.group()) == shape(printed)
