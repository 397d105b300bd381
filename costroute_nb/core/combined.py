"""A prompt's class by rules and, only where none matched, by a learned estimate."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from costroute_nb.core.classification import Classification, Rule, RuleClassifier
from costroute_nb.core.offsets import Offsets, shifted
from costroute_nb.core.vocabulary import excerpt

if TYPE_CHECKING:
    from costroute_nb.core.catalog import Tier
    from costroute_nb.core.learned import Estimate

OUTSIDE = "outside what the classifier knows"
"""Why the default tier is taken though an estimator was asked."""

_HELPS = 0.9  # medium helps where it fails less often than this share of small


class CombinedClassifier:
    """Classify prompts by rules and size, and where they say nothing by an estimate.

    Parameters
    ----------
    rules
        What is asked first.
    estimate
        How likely answers to a text fail; called only where no rule matched.
    offsets
        The logits by which the probabilities of an estimate's source are shifted now.
    max_failure
        The greatest probability of failing at which a tier is still chosen, in [0, 1].
    """

    def __init__(
        self,
        rules: RuleClassifier,
        estimate: "Callable[[str], Estimate]",
        *,
        offsets: Callable[[str], Offsets],
        max_failure: float,
    ) -> None:
        self._rules = rules
        self._estimate = estimate
        self._offsets = offsets
        self._max_failure = max_failure

    def classify(
        self, text: str, *, values: Sequence[str] = (), input_tokens: int = 0
    ) -> Classification:
        """Return the class of a prompt as typed; see `RuleClassifier.classify`.

        An estimator reads `values` whatever the text says itself. Where nothing but an
        estimate decides, it is the cheapest tier that fails seldom enough. It is the
        default tier for prompts that the estimator does not know, and where small and
        medium fail too often, and medium hardly less often than small.
        """
        found = self._rules.classify(text, values=values, input_tokens=input_tokens)
        if found.rule is not None:
            return found
        estimate = self._estimate(excerpt(text, values))
        if not estimate.known_domain:
            return replace(found, reason=OUTSIDE, known_domain=False, estimate=estimate)
        return self._decided(found, estimate)

    def _decided(self, found: Classification, estimate: "Estimate") -> Classification:
        offsets = self._offsets(estimate.source)
        small, medium, both = with_offsets(estimate, offsets)
        tier: Tier = "large"
        confidence = found.confidence
        limit = f", at most {self._max_failure:.0%} wanted"
        like = f", like {estimate.domain}" if estimate.domain else ""
        if small <= self._max_failure:
            tier, confidence, limit = "small", 1 - small, ""
        elif medium <= self._max_failure:
            tier, confidence = "medium", 1 - medium
        elif medium >= _HELPS * small:
            tier, confidence = found.tier, 1 - medium
            like += "; nothing says that a stronger model does better"
        return replace(
            found,
            tier=tier,
            confidence=confidence,
            reason=f"learned: P(small fails) {small:.0%}, "
            f"P(medium fails) {medium:.0%}{limit}{like}",
            p_small_fails=small,
            p_medium_fails=medium,
            p_both_fail=both,
            known_domain=True,
            estimate=estimate,
            offsets=offsets,
        )


def with_offsets(estimate: "Estimate", offsets: Offsets) -> tuple[float, float, float]:
    """Return the probabilities that small, medium and both fail, after the offsets.

    The offset of a tier multiplies the odds that it fails by the same factor, also the
    odds that medium fails where small has failed: an answer of small tells as much of
    medium as it did before. Medium never fails more often than small, and both never
    more often than either, nor less often than the two of them must coincide.
    """
    small = shifted(estimate.p_small_fails, offsets.small)
    medium = min(small, shifted(estimate.p_medium_fails, offsets.medium))
    if not estimate.p_small_fails:
        return small, medium, 0.0
    given_small = min(1.0, estimate.p_both_fail / estimate.p_small_fails)
    both = small * shifted(given_small, offsets.medium)
    return small, medium, min(medium, max(both, small + medium - 1))


def binding(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules that an estimate never stands in for: floors and the user's."""
    return tuple(rule for rule in rules if rule.floor or rule.user)
