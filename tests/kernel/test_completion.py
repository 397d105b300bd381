"""TAB and `?` through real requests: exactly what fits, and prompts are left alone."""

import time

import pytest

from costroute_nb.notebook.options import FORMATS, OPTIONS
from costroute_nb.notebook.usage import SUBCOMMANDS
from tests.support.kernel import Kernel

NAMES = [option.name for option in OPTIONS]


@pytest.fixture(scope="module")
def kernel(simulated: Kernel) -> Kernel:
    simulated.run("my_context = 'x'\nmy_schema = {}\n_private = 1")
    return simulated


@pytest.mark.parametrize("line", ["%%route --", "%%route --tier small --", "%%route "])
def test_options_are_offered(kernel: Kernel, line: str) -> None:
    expected = [name for name in NAMES if name not in line.split()]
    assert kernel.complete(line) == sorted(expected, key=kernel.complete(line).index)


def test_a_beginning_narrows_the_options(kernel: Kernel) -> None:
    assert sorted(kernel.complete("%%route --max-")) == ["--max-cost", "--max-tokens"]


@pytest.mark.parametrize("option", ["--tier", "--floor", "--ceiling"])
def test_tiers_and_lines_follow_a_tier_option(kernel: Kernel, option: str) -> None:
    offered = kernel.complete(f"%%route {option} ")
    assert {"small", "medium", "large", "haiku", "sonnet", "opus"} <= set(offered)
    assert kernel.complete(f"%%route {option} son") == ["sonnet"]
    assert kernel.complete(f"%%route {option}=son") == [f"{option}=sonnet"]
    assert "fable" not in offered  # no tier is named by it
    assert not any(word.startswith("-") for word in offered)


def test_values_follow_their_options(kernel: Kernel) -> None:
    assert "claude-haiku-5-5" in kernel.complete("%%route --model claude-h")
    assert kernel.complete("%%route --provider s") == ["simulated"]
    assert sorted(kernel.complete("%%route --format ")) == sorted(FORMATS)
    assert kernel.complete("%%route --format=j") == ["--format=json"]
    assert kernel.complete("%%route --schema=my_s") == ["--schema=my_schema"]


@pytest.mark.parametrize(
    "token", ["--max-cost=", "--ttl=", "--quiet=", "--nothing=a", "--check=le"]
)
def test_what_has_no_words_is_left_as_it_is(kernel: Kernel, token: str) -> None:
    assert kernel.complete(f"%%route {token}") == [token]


@pytest.mark.parametrize("option", ["--context", "--schema", "--system"])
def test_variables_follow_the_options_that_name_one(
    kernel: Kernel, option: str
) -> None:
    offered = kernel.complete(f"%%route {option} my_")
    assert sorted(offered) == ["my_context", "my_schema"]
    everything = kernel.complete(f"%%route {option} ")
    assert not {"In", "Out", "get_ipython", "_private"} & set(everything)


def test_subcommands_and_what_follows_them(kernel: Kernel) -> None:
    assert sorted(kernel.complete("%route ")) == sorted(SUBCOMMANDS)
    assert kernel.complete("%route bud") == ["budget"]
    assert sorted(kernel.complete("%route cache ")) == ["clear", "prune", "stats"]
    assert kernel.complete("%route log --t") == ["--today"]
    assert kernel.complete("x = 1\n%route mod") == ["models"]
    assert sorted(kernel.complete("%route budget --on-limit ")) == ["degrade", "stop"]
    assert kernel.complete("%route budget --on-limit=d") == ["--on-limit=degrade"]
    assert kernel.complete("%route plan --tie") == ["--tier"]
    assert kernel.complete("%route plan --tier so") == ["sonnet"]


def test_efforts_and_tasks_follow_their_options(kernel: Kernel) -> None:
    assert sorted(kernel.complete("%%route --effort ")) == ["high", "low", "medium"]
    assert kernel.complete("%%route --effort=h") == ["--effort=high"]
    tasks = ["extract_json", "rewrite", "summarize"]
    assert sorted(kernel.complete("%%route --task ")) == tasks
    assert kernel.complete("%%route --context-t") == ["--context-tokens"]


def test_threads_are_offered_by_name(kernel: Kernel) -> None:
    assert sorted(kernel.complete("%route thread ")) == ["clear", "list", "show"]
    for name in ("review", '"the trip"'):
        assert kernel.run(f"%%route --thread {name}\nSummarize: it went well.").ok
    names = ['"the trip"', "review"]
    assert sorted(kernel.complete("%%route --thread ")) == names
    assert kernel.complete("%%route --thread=r") == ["--thread=review"]
    assert sorted(kernel.complete("%route thread show ")) == names
    assert kernel.complete("%route thread clear --") == ["--all"]
    assert kernel.complete("%route plan --thread re") == ["review"]


def test_lines_of_a_prompt_are_left_alone(kernel: Kernel) -> None:
    for body in ("--", "%route ", "%%route --ti", "text --tier "):
        assert "--tier" not in kernel.complete(f"%%route\n{body}")
        assert "status" not in kernel.complete(f"%%route\n{body}")


def test_other_magics_and_code_are_left_alone(kernel: Kernel) -> None:
    assert kernel.complete("%%router --") == [] or "--tier" not in kernel.complete(
        "%%router --"
    )
    assert "my_context" in kernel.complete("my_")
    assert "--tier" not in kernel.complete("%%time --")


def test_the_first_line_below_another_magic_is_completed(kernel: Kernel) -> None:
    assert kernel.complete("%%time\n%%route --max-c") == ["--max-cost"]


def test_completion_is_quick(kernel: Kernel) -> None:
    kernel.complete("%%route --tier ")
    began = time.perf_counter()
    for _ in range(5):
        kernel.complete("%%route --tier ")
    assert (time.perf_counter() - began) / 5 < 0.15  # with the round trip


@pytest.mark.parametrize("code", ["%route?", "%%route?", "?%%route"])
def test_a_question_mark_shows_the_help(kernel: Kernel, code: str) -> None:
    ran = kernel.run(code)
    shown = ran.reply["payload"][0]["data"]["text/plain"]
    for name in NAMES:
        assert name in shown
    assert shown.count("%%route") >= 4
    assert "execute" not in shown


def test_the_help_subcommand_says_the_same(kernel: Kernel) -> None:
    shown = kernel.run("%route help").plain
    for word in (*NAMES, *SUBCOMMANDS):
        assert word in shown


def test_prompts_that_look_like_help_are_for_the_cell_magic(kernel: Kernel) -> None:
    assert kernel.run("%%route\nSummarize: what is up?").ok
