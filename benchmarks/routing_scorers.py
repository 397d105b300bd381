"""What is compared: each way of scoring prompts, and why one of them is not there."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from costroute_nb.artifact import read_model
from costroute_nb.core.catalog import tier_rank
from costroute_nb.core.combined import CombinedClassifier, binding
from costroute_nb.core.offsets import PRIOR
from costroute_nb.core.tokens import estimate_tokens
from costroute_nb.tables import load_tables
from costroute_nb.wiring import classifier_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from costroute_nb.core.catalog import Tier
    from costroute_nb.core.classification import Classification, RuleClassifier
    from costroute_nb.core.learned import Estimate
    from costroute_nb.ports import Estimator

_KEYWORDS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (2.0, ("security", "architect", "analy", "prove", "design", "debug", "strateg")),
    (0.0, ("translate", "summar", "extract", "format", "classif", "list")),
)
MAX_FAILURE = 0.2


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a way of scoring was not measured."""

    why: str


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of all prompts by each way, and the estimates behind the learned one."""

    scores: dict[str, list[float]]
    missing: dict[str, Missing]
    estimates: list[Estimate]


def score_all(prompts: Sequence[str], seed: int) -> Scored:
    """Score prompts by every way that is there."""
    model = read_model()
    estimates = [model.estimate(prompt) for prompt in prompts]
    learned = [each.difficulty for each in estimates]
    scores = {
        "random": random_order(prompts, seed),
        "length": length(prompts),
        "keyword regexes": keyword_regexes(prompts),
        "our rules": by_rules(prompts),
        "learned": learned,
        "both": rules_first(prompts, learned),
    }
    missing: dict[str, Missing] = {}
    for name, way in (("LiteLLM", "heuristic"), ("LiteLLM v2", "heuristic_v2")):
        found = _of_litellm(way, prompts)
        if isinstance(found, Missing):
            missing[name] = found
        else:
            scores[name] = found
    return Scored(scores, missing, estimates)


def _of_litellm(way: str, prompts: Sequence[str]) -> list[float] | Missing:
    try:
        module = importlib.import_module("benchmarks.complexity_router")
    except ImportError as error:
        return Missing(f"not installed: {error}")
    return list(getattr(module, way)(prompts))


def random_order(prompts: Sequence[str], seed: int) -> list[float]:
    found: list[float] = np.random.default_rng(seed).random(len(prompts)).tolist()
    return found


def length(prompts: Sequence[str]) -> list[float]:
    return [float(len(prompt)) for prompt in prompts]


def keyword_regexes(prompts: Sequence[str]) -> list[float]:
    """Match alternatives anywhere, inside words too, the large tier's first."""
    return [_by_keywords(prompt.lower()) for prompt in prompts]


def _by_keywords(text: str) -> float:
    for score, words in _KEYWORDS:
        if any(word in text for word in words):
            return score
    return 1.0


@cache
def shipped_rules() -> RuleClassifier:
    """Return the classifier of the shipped rules; the user's own take no part."""
    rules = load_tables().rules
    return classifier_of(rules.rules, rules.size)


def rule_class(prompt: str) -> Classification:
    """Return what rules and size alone say of a prompt."""
    return shipped_rules().classify(prompt, input_tokens=estimate_tokens(prompt))


def by_rules(prompts: Sequence[str]) -> list[float]:
    """Return the rank of each prompt's tier by rules and size alone."""
    return [float(tier_rank(rule_class(prompt).tier)) for prompt in prompts]


def rules_first(prompts: Sequence[str], learned: Sequence[float]) -> list[float]:
    """Return one ordering of what routing does: a rule decides, else the estimate.

    Prompts that a rule sends to the small tier stand below all others, and those that
    one sends to the large tier above; in the middle are the others by their learned
    score, where a rule's medium counts as the median of them.
    """
    place = {
        "small": min(learned) - 1,
        "medium": float(np.median(learned)),
        "large": max(learned) + 1,
    }
    found = map(rule_class, prompts)
    return [
        score if each.rule is None else place[each.tier]
        for each, score in zip(found, learned, strict=True)
    ]


def tiers() -> dict[str, Callable[[str], Tier]]:
    """Return, for each way of routing, what tells a prompt's tier."""
    rules, model = load_tables().rules, read_model()
    only_floors = classifier_of(binding(rules.rules), rules.size)
    return {
        "our rules": lambda prompt: rule_class(prompt).tier,
        "learned": tier_of(combined(only_floors, model)),
        "both": tier_of(combined(shipped_rules(), model)),
    }


def combined(rules: RuleClassifier, model: Estimator) -> CombinedClassifier:
    """Return the classifier that asks rules first, as sessions have it by default."""
    return CombinedClassifier(
        rules, model.estimate, offsets=lambda source: PRIOR, max_failure=MAX_FAILURE
    )


def tier_of(classifier: CombinedClassifier) -> Callable[[str], Tier]:
    """Return what tells the tier of a prompt by a classifier."""

    def tier(prompt: str) -> Tier:
        return classifier.classify(prompt, input_tokens=estimate_tokens(prompt)).tier

    return tier
