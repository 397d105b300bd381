"""Receipts, bundles and pages, as a front end gets them; updates on a clock."""

from dataclasses import replace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from traitlets.config import Config

from costroute_nb.budget import Standing
from costroute_nb.core.budget import Limits
from costroute_nb.core.calibration import ErrorDistribution
from costroute_nb.core.messages import Usage
from costroute_nb.core.result import Result
from costroute_nb.core.templates import fill
from costroute_nb.core.totals import Totals
from costroute_nb.errors import TemplateError
from costroute_nb.frames import records_frame
from costroute_nb.notebook.display import (
    Results,
    View,
    answer,
    footing,
    last_code,
    metadata,
    said_once,
)
from costroute_nb.notebook.live import Output
from costroute_nb.notebook.receipt import age, receipt, standing
from costroute_nb.notebook.variables import Variables, as_text
from costroute_nb.notebook.views import (
    Page,
    answers,
    budget_page,
    cache_page,
    models_page,
    size,
    useful_first,
)
from costroute_nb.pricing import PriceBook
from costroute_nb.tables import load_tables
from tests.support.clock import FakeClock
from tests.support.records import NOON

RESULT = Result(
    text="Forty-two.",
    model="claude-haiku-5-5",
    tier="small",
    provider="anthropic",
    reason="rule: mechanical",
    usage=Usage(input_tokens=312, output_tokens=88),
    cost_usd=0.0000752,
    saved_usd=0.0029,
    baseline_model="claude-opus-5-5",
    call_id="c1",
    stop_reason="end_turn",
)
SESSION = standing(12_000_000_000, 10**12)


def test_the_receipt_reads_as_promised() -> None:
    assert receipt(RESULT, "haiku", SESSION) == (
        "haiku · claude-haiku-5-5 · 312 in / 88 out · $0.000075 · cache miss · session "
        "$0.0120 of $1.00 · saved $0.0029 vs claude-opus-5-5 · rule: mechanical"
    )


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"cache_hit": True, "age_s": 185.0}, "cache hit, 3 min old"),
        ({"cost_usd": None}, "cost unknown"),
        ({"estimated": True}, "$0.000075 estimated"),
        ({"attempts": 2}, "2 attempts"),
        ({"simulated": True}, "simulated"),
        ({"stop_reason": "max_tokens"}, "cut at its token cap"),
        ({"saved_usd": -0.01}, "saved -$0.01 vs claude-opus-5-5"),
        ({"effort": "low"}, "effort low"),
        (
            {"usage": Usage(input_tokens=300, output_tokens=88, thinking_tokens=40)},
            "300 in / 88 out (40 thinking)",
        ),
        (
            {"usage": Usage(100, 1_200, 300), "prompt_cache_usd": 0.000101},
            "prompt cache 1,200 read, 300 written, $0.00010 less than plain input",
        ),
        (
            {"usage": Usage(100, 0, 0, 300), "prompt_cache_usd": -0.003},
            "prompt cache 300 written, $0.0030 more than plain input",
        ),
        (
            {"usage": Usage(100, 1_200), "prompt_cache_usd": None},
            "prompt cache 1,200 read",
        ),
        (
            {"trimmed_tokens": 61_000, "trimmed_usd": 0.012},
            "61,000 tokens left out, $0.0120 less than all of them",
        ),
        ({"trimmed_tokens": 61_000, "trimmed_usd": None}, "61,000 tokens left out"),
        ({"dropped": ({"role": "user", "content": "x"},)}, "1 message left out"),
    ],
)
def test_the_receipt_says_what_is_special(changes: dict[str, Any], part: str) -> None:
    parts = receipt(replace(RESULT, **changes), "haiku", SESSION).split(" · ")
    assert part in parts


def test_the_whole_prompt_is_in_whatever_of_it_was_cached() -> None:
    usage = Usage(input_tokens=300, cache_read_tokens=12, output_tokens=88)
    assert "312 in / 88 out" in receipt(replace(RESULT, usage=usage), "haiku")


def test_an_effort_is_not_told_of_an_answer_that_nobody_thought_about_now() -> None:
    cached = replace(RESULT, cache_hit=True, age_s=1.0, effort="low")
    assert "effort" not in receipt(cached, "haiku")


def test_nothing_is_said_of_savings_that_cannot_be() -> None:
    for changes in (
        {"saved_usd": None},
        {"saved_usd": 0.0, "model": "claude-opus-5-5"},
    ):
        assert "saved" not in receipt(replace(RESULT, **changes), "opus")


def test_ages_and_standings_are_short() -> None:
    assert [age(s) for s in (0, 59, 60, 7200, 200_000)] == [
        "0 s",
        "59 s",
        "1 min",
        "2 h",
        "2 d",
    ]
    assert standing(0, None) == "session $0"


def test_an_answer_has_plain_text_and_markdown_and_no_html() -> None:
    results = Results()
    results.remember(RESULT, View("markdown", "haiku", SESSION))
    data, found = results.bundle(RESULT)
    assert sorted(data) == ["text/markdown", "text/plain"]
    assert data["text/plain"].startswith("Forty-two.\n\nhaiku · ")
    text, rule, foot = data["text/markdown"].split("\n\n")
    assert (text, rule) == ("Forty-two.", "---")
    assert foot.startswith("<small>haiku\u00a0· claude-haiku-5-5\u00a0· ")
    assert "$" not in foot
    assert foot.count("<span>&#36;</span>") == 4
    assert found == metadata(RESULT)


def test_a_result_from_python_shows_itself_too() -> None:
    data, _ = Results().bundle(RESULT)
    assert "\n\nsmall · claude-haiku-5-5 · " in data["text/plain"]


def test_only_the_latest_views_are_remembered() -> None:
    results = Results()
    for number in range(1_500):
        results.remember(replace(RESULT, call_id=str(number)), View("text"))
    assert "text/markdown" in results.bundle(replace(RESULT, call_id="0"))[0]
    assert "text/markdown" not in results.bundle(replace(RESULT, call_id="1499"))[0]


def test_notes_stand_above_the_receipt_and_mean_themselves() -> None:
    noted = replace(RESULT, notes=("off its schema: <b>*x*</b>: escalated", "again"))
    data, _ = Results().bundle(noted)
    assert data["text/plain"].splitlines()[2:4] == list(noted.notes)
    assert "<b>" not in data["text/markdown"]
    assert "*x*" not in data["text/markdown"]
    assert data["text/markdown"].count("<small>") == 3


def test_a_receipt_is_broken_between_its_parts_only() -> None:
    foot = footing((receipt(RESULT, "haiku", SESSION),))["text/markdown"]
    parts = foot.split(" ")
    assert len(parts) == 8
    assert all(part.endswith("·") for part in parts[:-1])


def test_a_receipt_stands_below_any_answer() -> None:
    for text in ("- item", "> quoted", "| a |\n|---|\n| 1 |", "```\nx", "$$\nx", "a"):
        shown = markdown2html_mistune(answer(text, ("one · two",))["text/markdown"])
        assert shown.rstrip().endswith("<hr />\n<p><small>one\u00a0· two</small></p>")


def test_a_reason_that_leads_from_model_to_model_is_said_once() -> None:
    notes = (
        "check failed: x: escalated to claude-sonnet-5-5",
        "check failed: x: escalated to claude-opus-5-5",
        "refused: escalated to claude-opus-5-5",
    )
    assert said_once(notes) == [
        "check failed: x: escalated to claude-sonnet-5-5, then to claude-opus-5-5",
        "refused: escalated to claude-opus-5-5",
    ]


def test_what_is_no_json_is_shown_as_it_came() -> None:
    data = answer("sorry, <b>no</b>", ("foot",), "json")
    assert data["text/plain"] == (
        "sorry, <b>no</b>\n\nthis is no JSON: shown as it came\nfoot"
    )
    assert data["text/markdown"].startswith("```text\nsorry, <b>no</b>\n```\n")
    assert "no JSON" not in answer('{"a": 1}', ("foot",), "json")["text/plain"]


@pytest.mark.parametrize("format", ["markdown", "text", "json", "code"])
@pytest.mark.parametrize("text", ["", "<script>x</script>", "```\n<b>", "a\x1b[1mb"])
def test_every_format_shows_any_text(format: str, text: str) -> None:
    data = answer(text, ("foot",), format)
    assert data["text/plain"].endswith("foot")
    assert "\x1b" not in data["text/plain"]


def test_the_last_block_of_code_is_taken() -> None:
    text = "a\n```sh\nls\n```\nb\n```python\nx = '`'\n\ny = 1\n```\nend"
    assert last_code(text).code == "x = '`'\n\ny = 1"
    assert last_code("only text\n").code == "only text"


def test_tables_hold_any_cell() -> None:
    page = Page(("a $1 *head*",), ("x", "y"), (("a|b", "<i>"), ("long cell", "$2")))
    shown = page.bundle()
    rows = [line for line in shown["text/markdown"].splitlines() if line[:1] == "|"]
    assert [line.count("|") for line in rows] == [3, 3, 3, 3]
    assert "<i>" not in shown["text/markdown"]
    assert "$" not in shown["text/markdown"]
    assert shown["text/plain"].splitlines()[-1] == "long cell  $2"


def test_numbers_stand_on_the_right_and_text_on_the_left() -> None:
    rows = (("a", "$10.00", "1", "$1"), ("b", "none", "1,000", "$2, nearly spent"))
    shown = Page(columns=("name", "limit", "n", "left"), rows=rows).bundle()
    assert shown["text/markdown"].splitlines()[1] == "| :--- | ---: | ---: | :--- |"
    assert shown["text/plain"].splitlines() == [
        "name   limit      n  left",
        "a     $10.00      1  $1",
        "b       none  1,000  $2, nearly spent",
    ]


@pytest.mark.parametrize(
    ("at", "said"), [(0.8, "80%"), (0.0001, "0.01%"), (0.125, "12.5%"), (1.0, "100%")]
)
def test_the_warning_is_said_as_it_was_set(at: float, said: str) -> None:
    limits = Limits(alert_at=at, on_limit="degrade")
    page = budget_page({}, limits, stopped=False, pot="simulated")
    assert f"Once {said} of a limit is used you are warned; near " in page.foot[0]
    assert "worst case" in page.foot[1]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "none compared with billed tokens yet"),
        (
            ErrorDistribution(50, 0.031, 0.08, 0.012),
            "over the last 50 requests, half within 3.1% of what was billed, nine "
            "tenths within 8.0%; bias 1.2% too high",
        ),
        (ErrorDistribution(2, 0.1, 0.2, -0.05), "bias 5.0% too low"),
        (ErrorDistribution(1, 0.0, 0.0, -0.0001), "over 1 request, half within 0.0%"),
        (ErrorDistribution(1, 0.0, 0.0, -0.0001), "bias none"),
    ],
)
def test_token_estimates_are_told_by_their_errors(
    found: ErrorDistribution | None, said: str
) -> None:
    catalog, errors = load_tables().catalog, {"claude-2026": found}
    page = models_page(catalog, PriceBook(), NOON, errors)
    (line,) = page.foot
    assert line.startswith("token estimates, claude-2026: ")
    assert said in line


@pytest.mark.parametrize(
    ("in_bytes", "said"),
    [
        (0, "0 kB"),
        (1, "1 kB"),
        (32_768, "33 kB"),
        (1_500_000, "1.5 MB"),
        (10**9, "1 GB"),
    ],
)
def test_sizes_are_as_a_reader_wants_them(in_bytes: int, said: str) -> None:
    assert size(in_bytes) == said


def test_the_cache_is_told_in_words_and_what_it_answered() -> None:
    stats = {"entries": 1, "size_bytes": 9, "size_limit_bytes": 10**9, "where": "~/x"}
    scopes = {
        "this session": Totals(calls=4, cache_hits=1, saved=2_000_000_000),
        "this ledger": Totals(),
    }
    page = cache_page(stats, scopes, baseline="claude-opus-5-5")
    assert page.head == ("cache: 1 answer, 1 kB of 1 GB",)
    assert page.rows == (
        ("this session", "4", "1", "25%", "$0.0020"),
        ("this ledger", "0", "0", "–", "$0"),
    )
    assert "from claude-opus-5-5" in page.foot[0]
    assert "~/x" not in str(page)
    assert [answers(n) for n in (0, 1, 2)] == ["0 answers", "1 answer", "2 answers"]


def test_the_log_has_what_is_looked_for_in_front_and_all_the_rest() -> None:
    frame = records_frame([])
    shown = useful_first(frame)
    assert list(shown)[:5] == ["at", "model", "status", "reason", "cost_usd"]
    assert set(shown) == set(frame)
    assert len(list(shown)) == len(list(frame))


def test_a_value_that_cannot_be_text_is_named() -> None:
    class Broken:
        def __str__(self) -> str:
            message = "no\nway"
            raise KeyError(message)

    with pytest.raises(
        TemplateError, match=r"\{\{b\}\} cannot be made text: KeyError: "
    ):
        fill("{{b}}", Variables({"b": Broken()}))


def test_a_spent_limit_is_said_in_words() -> None:
    pico = 10**12
    page = budget_page(
        {
            "call": Standing(0, 0, pico),
            "session": Standing(9 * pico, 0, 10 * pico),
            "day": Standing(4 * pico, pico, 5 * pico),
            "month": Standing(4 * pico, pico, None),
        },
        Limits(),
        stopped=False,
        pot="real money",
    )
    assert [row[-1] for row in page.rows] == [
        "$1.00",
        "$1.00, nearly spent",
        "$0, spent",
        "no limit",
    ]


class Publisher:
    """Takes what is published, as a kernel's display publisher does."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.published.append(message)


class Shell:
    """As much of a shell as an output needs."""

    def __init__(self) -> None:
        self.display_pub = Publisher()


def _output(clock: FakeClock, **options: Any) -> tuple[Output, list[dict[str, Any]]]:
    shell: Any = Shell()
    output = Output(shell, "markdown", clock=clock, **{"streams": True, **options})
    return output, shell.display_pub.published


def test_updates_keep_to_ten_a_second_and_five_when_long() -> None:
    clock = FakeClock()
    output, published = _output(clock)
    for _ in range(400):  # 4 s of text
        output.text("x" * 20)
        clock.advance(0.01)
    assert 36 <= len(published) <= 41
    before = len(published)
    output.text("y" * 10_000)
    for _ in range(400):
        output.text("z")
        clock.advance(0.01)
    assert 18 <= len(published) - before <= 22


def test_the_last_update_is_the_whole_answer() -> None:
    output, published = _output(FakeClock())
    for piece in ("one ", "two ", "three"):
        output.text(piece)
    assert published[-1]["data"]["text/plain"].strip() == "one"
    assert output.finish({"text/plain": "one two three"}, {"costroute": {}})
    assert published[-1]["data"] == {"text/plain": "one two three"}
    assert published[-1]["update"] is True
    assert [p["update"] for p in published] == [False, True]
    assert len({p["transient"]["display_id"] for p in published}) == 1


def test_what_was_never_shown_is_left_to_the_value() -> None:
    output, published = _output(FakeClock(), streams=False)
    output.text("hidden")
    assert not output.finish({"text/plain": "hidden"}, {})
    assert published == []


def test_a_notice_is_shown_even_without_streaming() -> None:
    output, published = _output(FakeClock(), streams=False)
    output.notice("waiting 3 s before another try")
    assert published[0]["data"]["text/plain"] == "waiting 3 s before another try"
    assert output.finish({"text/plain": "done"}, {})


def test_a_restart_forgets_the_text() -> None:
    clock = FakeClock()
    output, published = _output(clock)
    output.text("wrong")
    output.notice("check failed: escalated to claude-sonnet-5-5")
    output.restart("check failed")
    clock.advance(1)
    output.text("right")
    shown = published[-1]["data"]["text/plain"]
    assert shown == "right\n\ncheck failed: escalated to claude-sonnet-5-5"


class DataFrame:
    """Named as every library names it."""

    def to_csv(self, *, index: bool = True) -> str:
        return f"csv,{index}\n"


class Polars:
    """The other way to write CSV."""


Polars.__name__ = "DataFrame"
Polars.write_csv = lambda self: "a,b\n"  # type: ignore[attr-defined]


def test_frames_are_sent_as_csv_and_the_rest_as_str() -> None:
    assert as_text(DataFrame()) == "csv,False\n"
    assert as_text(Polars()) == "a,b\n"
    assert as_text([1, "a"]) == "[1, 'a']"


def test_real_frames_are_sent_as_csv() -> None:
    import pandas as pd

    assert as_text(pd.DataFrame({"a": [1, 2]}, index=[7, 8])) == "a\n1\n2\n"


def test_only_visible_names_are_suggested_and_only_strings_are_values() -> None:
    found = Variables({"a": "x", "_b": 1, "In": [], "n": 3}, {"In": []})
    assert sorted(found) == ["a", "n"]
    assert len(found) == 2
    assert found["_b"] == "1"
    assert found.strings(("a", "n")) == ("x",)
    with pytest.raises(KeyError):
        found["zz"]


def test_the_extension_needs_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTROUTE_PROVIDER", "simulated")
    from costroute_nb.notebook import extension

    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    extension.load(shell)
    try:
        page = shell.run_line_magic("route", "status")
        assert isinstance(page, Page)
        extension.load(shell)
        assert shell.find_cell_magic("route") is not None
    finally:
        extension.unload(shell)
        extension.unload(shell)
    assert shell.find_cell_magic("route") is None
