"""Small outcome tables, as files, that a classifier can learn something from."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pandas as pd

from costroute_nb.training.outcomes import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu")
_HARD = ("abstruse", "arcane", "cryptic", "obscure", "recondite")
_PLAIN = ("clear", "evident", "obvious", "patent", "plain")


def outcome_table(name: str, rows: int, first_cluster: int, seed: int) -> pd.DataFrame:
    """Return a table whose weak model mostly fails at what `is_hard`.

    Every second row is; every tenth goes against the rule. The last two rows are
    of one cluster, and one row of four is of the dev split.
    """
    source, chance = SOURCES[name], random.Random(f"{name} {seed}")
    table = []
    for number in range(rows):
        hard = number % 2 == 0
        fails = hard != (number % 10 == 3 or number % 10 == 4)
        words = ["".join(chance.choices(_SYLLABLES, k=3)) for _ in range(8)]
        words += chance.choices(_HARD if hard else _PLAIN, k=8)
        cluster = first_cluster + min(number, rows - 2)
        table.append(
            {
                "source": name,
                "prompt_id": f"{name}-{number:04}",
                "category": f"kind {number % 3}",
                "prompt": f"{name} asks: {' '.join(words)}?",
                f"score:{source.weak}": float(not fails),
                f"score:{source.medium}": float(not fails or number % 3 == 0),
                f"score:{source.strong}": float(number % 17 != 1),
                "split": "dev" if cluster % 4 == 3 else "train",
                "cluster": cluster,
            }
        )
    return pd.DataFrame(table)


def is_hard(prompt: str) -> bool:
    """Return whether a made-up prompt is one that weak models mostly fail at."""
    return any(word in prompt for word in _HARD)


def write_tables(directory: Path, rows: int = 40, seed: int = 0) -> Path:
    """Write all known tables to a directory; return it."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(SOURCES):
        write_table(directory, outcome_table(name, rows, number * 1000, seed))
    return directory


def write_table(directory: Path, table: pd.DataFrame) -> Path:
    """Write one table where its name says; return the file."""
    file = directory / f"{table['source'].iloc[0]}.parquet"
    table.to_parquet(file)
    return file
