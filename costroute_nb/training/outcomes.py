"""Tables of how well models answered public prompts: read, split into folds, checked.

A table is a parquet file `NAME.parquet` with one row for each prompt: `source`,
`prompt_id`, `category`, `prompt`, `split` (`train` or `dev`), `cluster` (of prompts
that nearly repeat each other, over all tables) and, for each model, `score:MODEL` in
[0, 1]. Prompts of one cluster must never stand on both sides of a split.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from costroute_nb.training.duplicates import near_duplicates

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = ("source", "prompt_id", "category", "prompt", "split", "cluster")
FOLDS = 5
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table's outcomes are from.

    Attributes
    ----------
    name
        The table's name, which is its file's.
    weak, strong
        The two models between which prompts are routed.
    medium
        The model whose failures stand for those of a medium tier: one between the two
        where there is one, else the strong.
    about, origin, licence
        What was asked, who published the outcomes, and on which terms.
    family
        Tables of one family ask alike; they are left out together.
    """

    name: str
    weak: str
    medium: str
    strong: str
    about: str
    origin: str
    licence: str
    family: str


_MIXTRAL, _GPT_4 = "mixtral-8x7b-instruct-v0.1", "gpt-4-1106-preview"
_HAIKU, _SONNET, _OPUS = "claude-3-haiku", "claude-3-sonnet", "claude-3-opus"
_GEMINI_PRO, _NEMOTRON = "gemini-1.5-pro-002", "llama-3.1-nemotron-51b-instruct"
_ROUTELLM, _ZEROEVAL = "lm-sys/RouteLLM", "WildEval/ZeroEval"
_BOTH_LICENCES = "Apache-2.0 / MIT"

SOURCES = {
    source.name: source
    for source in (
        Source(
            "routellm_mmlu", _MIXTRAL, _GPT_4, _GPT_4, "MMLU, 5-shot",
            _ROUTELLM, _BOTH_LICENCES, "MMLU",
        ),
        Source(
            "routellm_gsm8k", _MIXTRAL, _GPT_4, _GPT_4, "GSM8K, 8-shot",
            _ROUTELLM, _BOTH_LICENCES, "GSM8K",
        ),
        Source(
            "zeroeval_crux", _HAIKU, _SONNET, _OPUS, "CRUXEval-O",
            _ZEROEVAL, _BOTH_LICENCES, "CRUX",
        ),
        Source(
            "zeroeval_gsm", _HAIKU, _SONNET, _OPUS, "GSM8K",
            _ZEROEVAL, _BOTH_LICENCES, "GSM8K",
        ),
        Source(
            "zeroeval_math_l5", _HAIKU, _OPUS, _OPUS, "MATH, level 5",
            _ZEROEVAL, _BOTH_LICENCES, "MATH",
        ),
        Source(
            "mmlu_pro", "gemini-1.5-flash-002", _GEMINI_PRO, _GEMINI_PRO, "MMLU-Pro",
            "TIGER-AI-Lab/MMLU-Pro", _BOTH_LICENCES, "MMLU",
        ),
        Source(
            "llmrouter_uiuc", "qwen2.5-7b-instruct", _NEMOTRON, _NEMOTRON,
            "14 task families", "ulab-uiuc/LLMRouter", "MIT", "LLMRouter",
        ),
    )
}  # fmt: skip
FAMILIES = tuple(dict.fromkeys(source.family for source in SOURCES.values()))


class OutcomesError(ValueError):
    """Outcome tables are missing or cannot be used."""


class LeakageError(ValueError):
    """The same prompts, or nearly the same, stand on both sides of a split."""


def read_outcomes(directory: Path) -> dict[str, pd.DataFrame]:
    """Return the known tables of a directory, or of its `routing`, by name.

    Each has the columns of its file and, as float64, `weak` and `strong`: the scores
    of its source's two models. Rows that miss either, or the medium one's, are left
    out. Tables come in the order of `SOURCES`, rows in that of their `prompt_id`.

    Raises
    ------
    OutcomesError
        If there is no known table, or one cannot be read or misses a column.
    """
    places = (directory, directory / "routing")
    frames = {}
    for source in SOURCES.values():
        files = (place / f"{source.name}.parquet" for place in places)
        file = next((file for file in files if file.is_file()), None)
        if file is not None:
            frames[source.name] = _prepared(_read(file), source)
    if not frames:
        message = f"{directory} has none of the tables {', '.join(SOURCES)}"
        raise OutcomesError(message)
    return frames


def _read(file: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(file)
    except (ValueError, OSError) as error:  # pyarrow's own are of these
        message = f"{file} cannot be read: {error}"
        raise OutcomesError(message) from error


def _prepared(frame: pd.DataFrame, source: Source) -> pd.DataFrame:
    weak, medium, strong = (
        f"score:{model}" for model in (source.weak, source.medium, source.strong)
    )
    missing = {*COLUMNS, weak, medium, strong} - set(frame.columns)
    if missing:
        message = f"{source.name} has no column {', '.join(sorted(missing))}"
        raise OutcomesError(message)
    scores = {
        "weak": frame[weak].astype("float64"),
        "strong": frame[strong].astype("float64"),
    }
    whole = frame.assign(**scores).dropna(subset=["weak", medium, "strong"])
    return whole.sort_values("prompt_id", kind="stable").reset_index(drop=True)


def pooled(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all tables, in order, with what all tables have."""
    columns = [*COLUMNS, "weak", "strong"]
    return pd.concat([f[columns] for f in frames.values()], ignore_index=True)


def of_split(frames: Mapping[str, pd.DataFrame], split: str) -> dict[str, pd.DataFrame]:
    """Return the rows of one split (`train` or `dev`) of each table."""
    return chosen(
        frames, {n: (f["split"] == split).to_numpy() for n, f in frames.items()}
    )


def chosen(
    frames: Mapping[str, pd.DataFrame], rows: Mapping[str, NDArray[np.bool_]]
) -> dict[str, pd.DataFrame]:
    """Return the marked rows of each table; a table without any is left out."""
    return {
        name: frame[rows[name]].reset_index(drop=True)
        for name, frame in frames.items()
        if rows[name].any()
    }


def folds(
    frames: Mapping[str, pd.DataFrame], count: int = FOLDS
) -> dict[str, NDArray[np.int64]]:
    """Return the fold, from 0, of each row of each table, clusters kept together.

    A cluster has one fold in all tables. Clusters that lie in the same tables are
    dealt out in an order that depends on nothing but their numbers, so each table has
    about as many in every fold.
    """
    tables: dict[int, list[str]] = {}
    for name, frame in frames.items():
        for cluster in frame["cluster"].unique().tolist():
            tables.setdefault(cluster, []).append(name)
    alike: dict[tuple[str, ...], list[int]] = {}
    for cluster in sorted(tables, key=_shuffled):
        alike.setdefault(tuple(tables[cluster]), []).append(cluster)
    dealt = [cluster for kind in sorted(alike) for cluster in alike[kind]]
    fold = {cluster: number % count for number, cluster in enumerate(dealt)}
    return {
        name: np.asarray(frame["cluster"].map(fold), np.int64)
        for name, frame in frames.items()
    }


def fold_of(clusters: pd.Series, count: int = FOLDS) -> NDArray[np.int64]:
    """Return a fold, from 0, of each row by nothing but its cluster's number."""
    shuffled = [int.from_bytes(_shuffled(each)) % count for each in clusters.tolist()]
    return np.array(shuffled, np.int64)


def _shuffled(cluster: int) -> bytes:
    return hashlib.blake2b(str(cluster).encode(), digest_size=8).digest()


def without_family(
    frames: Mapping[str, pd.DataFrame], family: str
) -> dict[str, pd.DataFrame]:
    """Return the other families' tables, without rows in a cluster of this family.

    Raises
    ------
    OutcomesError
        If no table is of this family.
    """
    own = [frame for name, frame in frames.items() if SOURCES[name].family == family]
    if not own:
        message = f"no table is of the family {family}"
        raise OutcomesError(message)
    clusters = np.unique(np.concatenate([frame["cluster"].to_numpy() for frame in own]))
    others = {n: f for n, f in frames.items() if SOURCES[n].family != family}
    return chosen(
        others, {n: ~f["cluster"].isin(clusters).to_numpy() for n, f in others.items()}
    )


def check_leakage(
    frame: pd.DataFrame,
    sides: Iterable[Hashable],
    pairs: Iterable[tuple[int, int]] | None = None,
) -> None:
    """Make sure that no prompt of one side of a split nearly repeats one of another.

    What the table calls a cluster counts, and so do, whatever it says, prompts that
    are the same but for case and blanks, and near-duplicates by their words.

    Parameters
    ----------
    frame
        Rows with `prompt_id`, `prompt` and `cluster`.
    sides
        The side of each row, such as its split or its fold.
    pairs
        The near-duplicates among the prompts by position, where they are known
        already: what `near_duplicates(frame["prompt"])` returns.

    Raises
    ------
    LeakageError
        If one does; the message has how many, and names some by their ids.
    """
    side = pd.Series(list(sides), index=frame.index)
    plain = frame["prompt"].map(normalised)
    for what, key in (("clusters", frame["cluster"]), ("equal prompts", plain)):
        torn = side.groupby(key).transform("nunique") > 1
        if torn.any():
            ids = frame["prompt_id"][torn].tolist()
            number = key[torn].nunique()
            raise LeakageError(_leak(f"{number} {what}", ids))
    found = near_duplicates(frame["prompt"].tolist()) if pairs is None else pairs
    across = [(a, b) for a, b in found if side.iloc[a] != side.iloc[b]]
    if across:
        ids = frame["prompt_id"].iloc[[n for pair in across for n in pair]].tolist()
        raise LeakageError(_leak(f"{len(across)} pairs of near-duplicates", ids))


def check_sides(frames: Mapping[str, pd.DataFrame]) -> None:
    """Make sure that neither the splits nor the folds have a prompt on both sides.

    Raises
    ------
    LeakageError
        If one has.
    """
    rows = pooled(frames)
    pairs = near_duplicates(rows["prompt"].tolist())
    check_leakage(rows, rows["split"], pairs)
    check_leakage(rows, np.concatenate(list(folds(frames).values())), pairs)


def _leak(what: str, ids: Sequence[str]) -> str:
    named = ", ".join(map(str, ids[: 2 * _NAMED]))
    return f"{what} stand on both sides of the split: {named}"


def normalised(text: str) -> str:
    """Return a text as it is compared: compatible characters, one case, one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
