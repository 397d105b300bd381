"""LiteLLM's complexity router, both of its local ways, as functions that score prompts.

Nothing is sent. Importing this imports LiteLLM, which is an extra of its own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it asks GitHub

from litellm.router_strategy.adaptive_router.classifier import classify_prompt
from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter
from litellm.router_strategy.complexity_router.config import TIER_SEVERITY_ORDER
from litellm.router_strategy.complexity_router.tier_predictor import (
    TierSuccessPredictor,
    resolve_tier_artifact,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def heuristic(prompts: Sequence[str]) -> list[float]:
    """Return the tier that the default way gives, and within a tier its own score."""
    router = ComplexityRouter("benchmark", None)
    found = (router.classify(prompt) for prompt in prompts)
    return [
        _BETWEEN * TIER_SEVERITY_ORDER.index(tier) + score for tier, score, _ in found
    ]


def heuristic_v2(prompts: Sequence[str]) -> list[float]:
    """Return how likely its first tier fails, by its shipped counts of other prompts."""
    predictor = TierSuccessPredictor(resolve_tier_artifact("ultrafeedback"))
    found = (predictor.predict(prompt, classify_prompt(prompt)) for prompt in prompts)
    return [1 - prediction.probabilities[1] for prediction in found]


_BETWEEN = 100.0  # its scores are weighted sums of at most about one
