"""Which kinds of prompts the outcome tables hold, and what each row teaches."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from costroute_nb.training.outcomes import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Specialist:
    """One linear specialist: the tables whose rows teach it, and its ridge penalty.

    The penalty is that of what a prompt's subject does not tell.
    """

    tables: tuple[str, ...]
    penalty: float


SPECIALISTS = (
    Specialist(("routellm_mmlu",), 20.0),
    Specialist(("mmlu_pro",), 20.0),
    Specialist(("routellm_gsm8k", "zeroeval_gsm"), 2.0),
    Specialist(("zeroeval_crux",), 1.0),
    Specialist(("zeroeval_math_l5",), 1.0),
    Specialist(("llmrouter_uiuc",), 20.0),
)
"""Penalties are smaller where there are fewer rows; set once, by cross-validation."""

TARGETS = ("gain", "small_fails", "medium_fails")
"""What each row teaches, in the order of a model's heads."""

_KNOWLEDGE = "knowledge questions with four choices"
_WORD_PROBLEMS = "mathematical word problems"
_COMPETITION = "competition mathematics"
_COMMON_SENSE = "common-sense and school science questions"
_FACTS = "trivia questions"
_CODE = "short programming tasks"
DOMAINS = {
    "routellm_mmlu": _KNOWLEDGE,
    "mmlu_pro": "expert questions with up to ten choices",
    "routellm_gsm8k": _WORD_PROBLEMS,
    "zeroeval_crux": "predicting what a short program returns",
    "zeroeval_math_l5": _COMPETITION,
    "agentverse-logicgrid": "logic grid puzzles",
    "agentverse-mgsm": _WORD_PROBLEMS,
    "arc_challenge": _COMMON_SENSE,
    "commongen": "sentences from given words",
    "commonsense_qa": _COMMON_SENSE,
    "gpqa": "graduate-level science questions",
    "gsm8k": _WORD_PROBLEMS,
    "human_eval": _CODE,
    "math": _COMPETITION,
    "mbpp": _CODE,
    "mmlu": _KNOWLEDGE,
    "natural_qa": _FACTS,
    "openbook_qa": _COMMON_SENSE,
    "trivia_qa": _FACTS,
}
"""The domain of each kind of prompt; a kind that is not listed is its own."""

_SAME = {"zeroeval_gsm": "routellm_gsm8k"}  # the same prompts, asked of other models
_MIXED = "llmrouter_uiuc"  # the one table whose categories ask in different ways


def rows_of(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all tables with what they teach.

    Columns: `prompt`, `cluster`, `table`, `subject`, `kind`, `specialist` (its number), and the targets
    `gain`, `small_fails` and `medium_fails`.
    """
    parts = []
    for name, frame in frames.items():
        number = next(n for n, s in enumerate(SPECIALISTS) if name in s.tables)
        own = frame["category"] if name == _MIXED else _SAME.get(name, name)
        source = SOURCES[name]
        parts.append(
            pd.DataFrame(
                {
                    "prompt": frame["prompt"],
                    "cluster": frame["cluster"],
                    "table": name,
                    "subject": name + "/" + frame["category"].astype(str),
                    "kind": own,
                    "specialist": number,
                    "gain": _gain(frame, name),
                    "small_fails": 1 - frame["weak"],
                    "medium_fails": 1 - frame[f"score:{source.medium}"].astype(float),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _gain(frame: pd.DataFrame, name: str) -> Floats:
    """Return how much better the strong model did than the weak one.

    A single pair of answers is mostly chance. Where many models of all strengths were
    asked the same, half of the gain is that of those as good as the strong model over
    those as good as the weak one.
    """
    gain = (frame["strong"] - frame["weak"]).to_numpy(np.float64)
    if not name.startswith("zeroeval"):
        return gain
    scores = frame.filter(regex="^score:").astype(float)
    mean = scores.mean()
    middle = (frame["weak"].mean() + frame["strong"].mean()) / 2
    weak, strong = scores.loc[:, mean < middle], scores.loc[:, mean >= middle]
    if weak.empty or strong.empty:
        return gain
    many = strong.mean(axis="columns") - weak.mean(axis="columns")
    return np.asarray((gain + many) / 2, np.float64)


def other_requests() -> list[str]:
    """Return requests as people make them that are of no kind the tables hold.

    They were written for this, and teach nothing but that they are something else.
    """
    file = files("costroute_nb.training") / "other_requests.txt"
    return file.read_text("utf-8").splitlines()
