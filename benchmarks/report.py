"""One line for each thing measured, and the table and the JSON made of the lines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADINGS = ("subject", "measured", "peer", "ratio", "target", "met")


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured, in seconds, beside its peer and its targets.

    Attributes
    ----------
    subject
        What was timed; two blanks in front mark a part of the line above.
    measured
        The median in seconds, or None if it could not be measured.
    peer, peer_seconds
        What it is compared with, and that one's median; None if it is not there.
    ratio
        How many times the peer's time it took; None without a peer.
    most_seconds, most_ratio
        The targets; None where there is none.
    note
        What the reader must know, such as why something is missing.
    """

    subject: str
    measured: float | None = None
    peer: str = ""
    peer_seconds: float | None = None
    ratio: float | None = None
    most_seconds: float | None = None
    most_ratio: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether every target that could be checked is met; None without any."""
        pairs = ((self.measured, self.most_seconds), (self.ratio, self.most_ratio))
        checked = [
            found <= most
            for found, most in pairs
            if found is not None and most is not None
        ]
        return all(checked) if checked else None

    def to_dict(self) -> dict[str, Any]:
        """Return the line as JSON has it."""
        return {**asdict(self), "met": self.met}


def beside(
    subject: str,
    times: Sequence[float],
    peer: str,
    peer_times: Sequence[float],
    *,
    most_seconds: float | None = None,
    most_ratio: float | None = None,
) -> Line:
    """Return a line for times that were taken in turns with a peer's.

    The ratio is the median of the rounds' own: a machine that is slow for a while is
    so for both sides of a round.
    """
    return Line(
        subject,
        median(times),
        peer,
        median(peer_times),
        median(a / b for a, b in zip(times, peer_times, strict=True)),
        most_seconds,
        most_ratio,
    )


def table(lines: Sequence[Line]) -> str:
    """Return the lines as one aligned table, and what there is to note below it."""
    rows = [_HEADINGS, *map(_cells, lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_HEADINGS))]
    shown = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    shown.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"{line.subject.strip()}: {line.note}" for line in lines if line.note]
    return "\n".join([*shown, *([""] if notes else []), *notes])


def _cells(line: Line) -> tuple[str, ...]:
    peer = line.peer
    if line.peer_seconds is not None:
        peer = f"{duration(line.peer_seconds)} {line.peer}"
    targets = [
        "" if line.most_seconds is None else duration(line.most_seconds),
        "" if line.most_ratio is None else f"{line.most_ratio:g}x",
    ]
    return (
        line.subject,
        "-" if line.measured is None else duration(line.measured),
        peer,
        "" if line.ratio is None else f"{line.ratio:.2f}x",
        " and ".join(f"<= {target}" for target in targets if target),
        {None: "", True: "yes", False: "NO"}[line.met],
    )


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if abs(seconds) >= 1:
        return f"{seconds:.2f} s"
    digits = 0 if abs(seconds) >= 0.1 else 1 if abs(seconds) >= 0.01 else 3
    return f"{seconds * 1e3:.{digits}f} ms"
