import importlib
import subprocess
import sys

import pytest

import costroute_nb as cr

PROMISED = {
    "Classification", "Limits", "Plan", "Result", "Session", "classify",
    "count_tokens", "default_session", "CostRouteError", "ConfigurationError",
    "MissingKeyError", "UnknownModelError", "UnknownPriceError", "TemplateError",
    "NoCapableModelError", "BudgetExceededError", "ProviderError",
    "AuthenticationError", "RateLimitError", "ProviderTimeoutError", "StreamCutError",
    "InvalidAnswerError", "RefusedError", "Estimate", "difficulty", "trim",
}  # fmt: skip
HEAVY = {
    "anthropic", "openai", "pandas", "numpy", "altair", "ipywidgets", "sqlalchemy",
    "jsonschema",
}  # fmt: skip


def test_all_is_sorted_and_holds_what_was_promised() -> None:
    assert cr.__all__ == sorted(cr.__all__)
    assert set(cr.__all__) >= PROMISED


@pytest.mark.parametrize("name", cr.__all__)
def test_every_public_name_leads_somewhere_and_is_explained(name: str) -> None:
    thing = getattr(cr, name)
    assert thing.__doc__
    assert name in dir(cr)


def test_the_type_checkers_names_are_those_of_run_time() -> None:
    assert set(cr._HOME) == set(cr.__all__)


def test_the_version_is_the_installed_one() -> None:
    assert cr.__version__ == importlib.metadata.version("costroute_nb")


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = cr.nonsense


def test_the_package_and_a_session_import_nothing_heavy() -> None:
    code = (
        "import sys, costroute_nb as cr;"
        "s = cr.Session(provider='simulated', classifier='both');"
        "s.plan('Rename the column a to b.');"
        "cr.classify('Please translate this sentence to French.');"
        f"print(sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_counting_tokens_needs_no_network_and_knows_families() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 50
    newest = cr.count_tokens(text)
    assert cr.count_tokens(text, model="claude-haiku-4-5") < newest < len(text)
    messages = [{"role": "user", "content": text}]
    assert cr.count_tokens(messages) > newest


def test_classifying_needs_no_session() -> None:
    found = cr.classify("Please translate this sentence to French.")
    assert (found.tier, found.floor) == ("small", False)
    assert found.input_tokens > 0


def test_one_prompt_alone_is_not_taken_for_a_list_of_letters() -> None:
    with pytest.raises(cr.ConfigurationError, match="takes a list"):
        cr.difficulty("Why is the sky blue?")
