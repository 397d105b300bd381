"""What a learned classifier says of a prompt: how likely each tier's answer fails."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """How likely the models that the classifier learned from fail at a prompt.

    `p_small_fails` and `p_medium_fails` are calibrated probabilities on the public
    outcomes; `p_both_fail` is that of both failing at the same prompt. `domain` names
    the known kind of prompt this one is most like, and `known_domain` tells whether it
    is like any: where it is not, the probabilities mean little. `difficulty` orders
    prompts by how much they need the stronger model; `tipped` names at most three
    features, never the user's text, that moved it most.
    """

    p_small_fails: float
    p_medium_fails: float
    p_both_fail: float
    domain: str
    known_domain: bool
    difficulty: float
    tipped: tuple[str, ...] = ()
