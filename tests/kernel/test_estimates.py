"""What a plan in a real kernel shows of an estimate."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.estimators import BY_WORDS, install
from tests.support.kernel import Kernel, running_kernel

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def kernel(
    _session_environment: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """Give the tests a kernel beside which a package has installed a classifier."""
    folder = tmp_path_factory.mktemp("installed")
    with pytest.MonkeyPatch.context() as patch:
        install(folder, BY_WORDS, patch)
        before = os.environ.get("PYTHONPATH")
        path = os.pathsep.join(filter(None, (str(folder), str(ROOT), before)))
        patch.setenv("PYTHONPATH", path)
        patch.setenv("COSTROUTE_PROVIDER", "simulated")
        with running_kernel() as kernel:
            assert kernel.run("%load_ext costroute_nb").ok
            ran = kernel.run("%config CostRoute.classifier = 'by_words'")
            assert ran.ok, ran.plain
            yield kernel


def test_a_plan_calls_it_an_estimate_and_shows_what_is_behind_it(
    kernel: Kernel,
) -> None:
    ran = kernel.run("%route plan 'Why have the deep fjords such shallow thresholds?'")
    assert ran.ok, ran.plain
    for said in (
        "class: medium (general), no rule matched, an estimate, confidence 80%",
        "because: learned: P(small fails) 40%, P(medium fails) 20%, at "
        "most 20% wanted, like word counts",
        "estimated before any shift: P(small fails) 40%, P(medium fails) 20%; "
        "tipped by many words",
        "small not shifted until 50 judged answers exist (0 so far)",
    ):
        assert said in ran.plain


def test_a_plan_of_an_unknown_kind_says_so(kernel: Kernel) -> None:
    ran = kernel.run("%route plan 'WHY HAVE FJORDS THRESHOLDS?'")
    said = "because: outside what the classifier knows; nearest domain word counts"
    assert said in ran.plain
    assert "P(small" not in ran.plain


def test_a_plan_by_a_rule_shows_no_estimate(kernel: Kernel) -> None:
    ran = kernel.run("%route plan 'Please translate this: fjord'")
    assert "rule translation" in ran.plain
    assert "estimate" not in ran.plain


def test_a_checked_cell_counts_failed_attempts(kernel: Kernel) -> None:
    ran = kernel.run(
        "%%route --dry-run --check True\n"
        "Why do all of the deep fjords have such very shallow thresholds?"
    )
    assert "starts with: claude-haiku" in ran.plain
    assert "the least expected cost, failed attempts included" in ran.plain
    assert "not claude-sonnet-5-5: it fails too often for what it costs" in ran.plain


def test_an_unknown_classifier_is_refused_at_once_and_the_old_one_stays(
    kernel: Kernel,
) -> None:
    ran = kernel.run("%config CostRoute.classifier = 'by_wrods'")
    assert "CostRoute.classifier: classifier is rules, learned, both or" in ran.plain
    assert "installed: by_words" in ran.plain
    assert kernel.run("%config CostRoute.classifier").plain.strip() == "'by_words'"
    assert kernel.run("%route plan 'Why have fjords thresholds?'").ok
