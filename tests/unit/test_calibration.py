from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.calibration import ERRORS, PAIRS, Calibration
from costroute_nb.core.tokens import Estimate, split_messages

FAMILY = "claude-2026"
OVERHEAD = 12
SCRIPTS = ("prose", "code", "wide")

FACTORS = st.fixed_dictionaries(dict.fromkeys(SCRIPTS, st.floats(0.5, 2.5)))
COUNTS = st.integers(0, 10**6)
ESTIMATES = st.builds(Estimate, COUNTS, COUNTS, COUNTS, st.integers(0, 1000))
PAIR_LISTS = st.lists(st.tuples(ESTIMATES, st.integers(-1, 10**7)), max_size=30)
SEEDS = st.integers(0, 2**32)

Truth = Callable[[Estimate], float]


def truth_of(factors: dict[str, float], overhead: float = 20.0) -> Truth:
    def truth(estimate: Estimate) -> float:
        parts = (factors[name] * getattr(estimate, name) for name in SCRIPTS)
        return sum(parts) + (overhead if estimate.overhead else 0.0)

    return truth


def one_script(random: Random, script: str) -> Estimate:
    tokens = round(10 ** random.uniform(1.5, 4))
    return replace(Estimate(overhead=OVERHEAD), **{script: tokens})


def mixture(random: Random) -> Estimate:
    if random.random() < 0.5:
        return one_script(random, random.choice(SCRIPTS))
    first, second = (one_script(random, random.choice(SCRIPTS)) for _ in range(2))
    return replace(first + second, overhead=OVERHEAD)


def taught(
    random: Random,
    truth: Truth,
    make: Callable[[Random], Estimate],
    calls: int = 50,
    noise: float = 0.05,
) -> Calibration:
    calibration = Calibration()
    for _ in range(calls):
        estimate = make(random)
        billed = max(1, round(truth(estimate) * random.gauss(1, noise)))
        calibration.learn(FAMILY, estimate, billed)
    return calibration


def typical_error(
    calibration: Calibration,
    random: Random,
    truth: Truth,
    make: Callable[[Random], Estimate],
) -> float:
    estimates = [make(random) for _ in range(40)]
    return median(
        abs(calibration.corrected(FAMILY, e) / truth(e) - 1) for e in estimates
    )


@given(FACTORS, SEEDS)
def test_the_factors_of_three_scripts_are_found_in_fifty_mixed_calls(
    factors: dict[str, float], seed: int
) -> None:
    random, truth = Random(seed), truth_of(factors)
    calibration = taught(random, truth, mixture)
    assert typical_error(calibration, random, truth, mixture) < 0.1


@given(FACTORS, st.sampled_from(SCRIPTS), SEEDS)
def test_the_factor_of_one_script_is_found_in_fifty_calls(
    factors: dict[str, float], script: str, seed: int
) -> None:
    random, truth = Random(seed), truth_of(factors)

    def make(random: Random) -> Estimate:
        return one_script(random, script)

    calibration = taught(random, truth, make)
    assert typical_error(calibration, random, truth, make) < 0.1


@given(st.floats(0.5, 2.5), SEEDS)
def test_a_script_not_seen_yet_gets_the_overall_factor_of_its_family(
    factor: float, seed: int
) -> None:
    random = Random(seed)
    truth = truth_of(dict.fromkeys(SCRIPTS, factor), OVERHEAD * factor)
    calibration = taught(random, truth, lambda r: one_script(r, "prose"))
    error = typical_error(calibration, random, truth, lambda r: one_script(r, "wide"))
    assert error < 0.1


def test_a_script_that_appears_late_is_learnt_in_a_few_calls() -> None:
    random = Random(5)
    truth = truth_of({"prose": 0.8, "code": 2.4, "wide": 1.0})
    calibration = taught(random, truth, lambda r: one_script(r, "prose"), PAIRS)
    for _ in range(10):
        estimate = one_script(random, "code")
        calibration.learn(FAMILY, estimate, round(truth(estimate)))
    for make in (
        lambda r: one_script(r, "prose"),
        lambda r: one_script(r, "code"),
    ):
        assert typical_error(calibration, random, truth, make) < 0.1


@pytest.mark.parametrize("wrong", [0.05, 0.2, 5.0, 20.0])
def test_one_request_in_ten_that_was_billed_quite_otherwise_does_no_harm(
    wrong: float,
) -> None:
    random = Random(7)
    truth = truth_of({"prose": 1.3, "code": 0.7, "wide": 1.8})

    def odd_now_and_then(estimate: Estimate) -> float:
        return truth(estimate) * (wrong if random.random() < 0.1 else 1.0)

    calibration = taught(random, odd_now_and_then, mixture)
    assert typical_error(calibration, random, truth, mixture) < 0.05


def test_the_overhead_of_a_provider_is_learnt_from_short_requests() -> None:
    random = Random(11)
    truth = truth_of(dict.fromkeys(SCRIPTS, 1.0), overhead=60.0)

    def short(random: Random) -> Estimate:
        return Estimate(prose=random.randrange(1, 200), overhead=OVERHEAD)

    calibration = taught(random, truth, short)
    empty = Estimate(overhead=OVERHEAD)
    assert calibration.corrected(FAMILY, empty) == pytest.approx(60, rel=0.15)


@given(PAIR_LISTS, ESTIMATES, ESTIMATES)
def test_more_text_is_never_fewer_tokens_whatever_was_learnt(
    pairs: list[tuple[Estimate, int]], estimate: Estimate, added: Estimate
) -> None:
    calibration = Calibration(pairs=20)
    for pair in pairs:
        calibration.learn(FAMILY, *pair)
    before = calibration.corrected(FAMILY, estimate)
    assert 0 <= before <= calibration.corrected(FAMILY, estimate + added)


@given(PAIR_LISTS, st.integers(1, 1000))
def test_an_empty_request_still_costs_its_overhead(
    pairs: list[tuple[Estimate, int]], overhead: int
) -> None:
    calibration = Calibration()
    for pair in pairs:
        calibration.learn(FAMILY, *pair)
    assert calibration.corrected(FAMILY, Estimate(overhead=overhead)) >= 1
    assert calibration.corrected(FAMILY, Estimate()) == 0


@given(PAIR_LISTS)
def test_the_same_pairs_give_the_same_factors(
    pairs: list[tuple[Estimate, int]],
) -> None:
    once, again = Calibration(), Calibration()
    for pair in pairs:
        once.learn(FAMILY, *pair)
    for pair in pairs:
        again.learn(FAMILY, *pair)
    assert once.factors(FAMILY) == again.factors(FAMILY)


def test_a_family_that_learnt_nothing_leaves_estimates_as_they_are() -> None:
    calibration = Calibration()
    calibration.learn("other", Estimate(prose=100), 300)
    assert calibration.corrected(FAMILY, Estimate(70, 20, 10, 12)) == 112
    assert calibration.errors(FAMILY) is None
    assert calibration.factors(FAMILY) is None
    assert calibration.families() == ("other",)


def test_one_pair_moves_other_scripts_only_half_way() -> None:
    calibration = Calibration()
    calibration.learn(FAMILY, Estimate(prose=1000), 2250)
    factors = calibration.factors(FAMILY)
    assert factors is not None
    assert factors.overall == pytest.approx(1.5)
    assert factors.code == pytest.approx(1.5)
    assert factors.prose > 1.8


@pytest.mark.parametrize(
    ("estimate", "billed"), [(Estimate(), 10), (Estimate(10), 0), (Estimate(10), -1)]
)
def test_a_request_without_tokens_teaches_nothing(
    estimate: Estimate, billed: int
) -> None:
    calibration = Calibration()
    calibration.learn(FAMILY, estimate, billed)
    assert calibration.families() == ()


def test_only_the_newest_pairs_count() -> None:
    calibration = Calibration(pairs=20)
    for factor in (3, 2):
        for tokens in range(100, 120):
            calibration.learn(FAMILY, Estimate(prose=tokens), factor * tokens)
    assert calibration.corrected(FAMILY, Estimate(prose=1000)) == pytest.approx(
        2000, rel=0.01
    )


def test_errors_are_those_of_predictions_made_before_the_pair_was_learnt() -> None:
    calibration = Calibration()
    calibration.learn(FAMILY, Estimate(prose=100), 200)
    first = calibration.errors(FAMILY)
    assert first is not None
    assert (first.count, first.median, first.p90, first.bias) == (1, 0.5, 0.5, -0.5)


def test_errors_tell_the_noise_that_no_factor_removes() -> None:
    random = Random(13)
    truth = truth_of({"prose": 1.5, "code": 2.0, "wide": 0.6})
    calibration = taught(random, truth, mixture, calls=400, noise=0.1)
    errors = calibration.errors(FAMILY)
    assert errors is not None
    assert errors.count == ERRORS
    assert errors.median == pytest.approx(0.0674, abs=0.02)  # of a normal distribution
    assert errors.p90 == pytest.approx(0.1645, abs=0.04)
    assert abs(errors.bias) < 0.03


# Real texts, and tokenizers that the calibration knows nothing of.

TEXTS = Path(__file__).parents[1] / "support" / "texts"
FILES = {
    "prose": ("prose",),
    "code": ("code",),
    "wide": ("chinese", "japanese", "korean"),
}
WORDS = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|\w+|[^\w\s]")
CHARACTERS = {"prose": 4.8, "code": 2.1, "wide": 0.7}


def by_bytes(text: str, script: str) -> float:
    return 7 + len(text.encode()) / 3.1


def by_characters(text: str, script: str) -> float:
    return 3 + len(text) / CHARACTERS[script]


def by_words(text: str, script: str) -> float:
    return 20 + 1.35 * len(WORDS.findall(text))


def a_slice(random: Random, script: str) -> str:
    name = random.choice(FILES[script])
    text = (TEXTS / f"{name}.txt").read_text(encoding="utf-8") * 4
    size = round(10 ** random.uniform(2, 3.5))
    start = random.randrange(len(text) // 2)
    return text[start : start + size]


def request(text: str) -> Estimate:
    return split_messages([{"role": "user", "content": text}])


@pytest.mark.parametrize("learnt", [SCRIPTS, *((script,) for script in SCRIPTS)])
@pytest.mark.parametrize("tokenizer", [by_bytes, by_characters, by_words])
def test_real_texts_are_estimated_within_a_tenth_after_fifty_calls(
    tokenizer: Callable[[str, str], float], learnt: tuple[str, ...]
) -> None:
    random, calibration = Random(17), Calibration()
    for call in range(50):
        script = learnt[call % len(learnt)]
        text = a_slice(random, script)
        calibration.learn(FAMILY, request(text), round(tokenizer(text, script)))
    for script in learnt:
        texts = [a_slice(random, script) for _ in range(40)]
        errors = [
            abs(
                calibration.corrected(FAMILY, request(text)) / tokenizer(text, script)
                - 1
            )
            for text in texts
        ]
        assert median(errors) < 0.1, script
