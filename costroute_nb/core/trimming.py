"""Which messages of a history stay when it must fit a number of tokens."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from costroute_nb.core.messages import Message
from costroute_nb.core.steps import checked, of_role, units
from costroute_nb.errors import ConfigurationError

Count = Callable[[Sequence[Message], str | None], int]
"""The tokens of messages and a system prompt; never fewer for more messages."""


class Trimmed(list[Message]):
    """The messages that were kept, in chronological order.

    It compares and serializes as the list it is. The attributes describe the trim
    that made it and do not follow later changes of the list.

    Attributes
    ----------
    dropped
        The messages left out, in chronological order.
    positions
        The positions in the input of the messages left out.
    tokens
        Counted tokens of the system prompt and the kept messages together.
    steps, steps_dropped
        How many assistant messages the input had, and how many of them were dropped.
    """

    def __init__(
        self,
        messages: Sequence[Message],
        *,
        tokens: int,
        positions: Iterable[int] = (),
    ) -> None:
        self.positions = tuple(positions)
        self.dropped = tuple(messages[i] for i in self.positions)
        self.tokens = tokens
        self.steps = len(of_role(messages, "assistant"))
        self.steps_dropped = len(of_role(self.dropped, "assistant"))
        away = set(self.positions)
        super().__init__(m for i, m in enumerate(messages) if i not in away)

    def __repr__(self) -> str:
        kept = f"{_plural(len(self), 'message')}, {self.tokens:,} tokens"
        steps = f"{self.steps_dropped} of {_plural(self.steps, 'step')}"
        lost = f"{_plural(len(self.dropped), 'message')} dropped, {steps}"
        return f"Trimmed({kept}; {lost if self.dropped else 'nothing dropped'})"


def trim(
    messages: Iterable[Message],
    *,
    budget_tokens: int,
    keep_recent: int = 3,
    pinned: Iterable[int] = (),
    system: str | None = None,
    count: Count,
) -> Trimmed:
    """Return the messages that fit, the indispensable first, then the newest.

    System messages, the task (the first user message), pinned messages, the last
    `keep_recent` steps and the user's messages after the last step always stay. A
    step is an assistant message with its tool results and with the question before
    it; it stays or goes as a whole. Older steps fill what is left, newest first: one
    that is too large is passed over.

    Parameters
    ----------
    messages
        `{role, content}` messages in chronological order, system messages allowed.
    budget_tokens
        The most tokens of the system prompt and the kept messages together.
    keep_recent
        How many of the newest steps always stay.
    pinned
        Positions of messages that always stay; negative ones count from the end.
    system
        A system prompt that is sent beside the messages, and counts.
    count
        Counts tokens; it is asked for each message once and a few times for all.

    Raises
    ------
    ConfigurationError
        If what always stays does not fit; `needed_tokens`, `budget_tokens` and
        `parts` (tokens by what they are for) are its fields.
    ValueError
        If an argument cannot be used.
    """
    history = checked(messages)
    _require_whole("budget_tokens", budget_tokens, 1)
    _require_whole("keep_recent", keep_recent, 0)
    _require_text("system", system)
    always = _claims(history, keep_recent, _positions(pinned, len(history)))
    tokens = count(history, system)
    if tokens <= budget_tokens:
        return Trimmed(history, tokens=tokens)
    return _Trim(history, system, count, budget_tokens).run(always)


@dataclass(frozen=True, slots=True)
class _Claim:
    """Messages that always stay, for one reason."""

    positions: Collection[int]
    one: str
    many: str = ""
    cure: str = ""

    def named(self, number: int) -> str:
        return self.many.format(number) if self.many and number != 1 else self.one


def _claims(
    history: Sequence[Message], keep_recent: int, pinned: Collection[int]
) -> tuple[_Claim, ...]:
    """Return what always stays, each message to be counted where it comes first."""
    users, steps = of_role(history, "user"), of_role(history, "assistant")
    end = steps[-1] if steps else -1
    return (
        _Claim(users[:1], "the task"),
        _Claim(
            steps[-keep_recent:] if keep_recent else (),
            "the last step", "the last {} steps", "lower keep_recent",
        ),
        _Claim([i for i in users if i > end], "the current question"),
        _Claim(pinned, "1 pinned message", "{} pinned messages", "pin fewer messages"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Trim:
    """One history that is too large, and what it must fit."""

    history: Sequence[Message]
    system: str | None
    count: Count
    budget: int

    def run(self, claims: Iterable[_Claim]) -> Trimmed:
        unit_of = units(self.history)
        kept = dict.fromkeys(of_role(self.history, "system"), 0)
        for number, claim in enumerate(claims, start=1):
            for position in claim.positions:
                for member in unit_of[position]:
                    kept.setdefault(member, number)
        needed = self._total(kept)
        if needed > self.budget:
            raise self._too_large(needed, kept, claims)
        older = {unit[0]: unit for unit in unit_of if unit[0] not in kept}
        taken = self._fill(self.budget - needed, older.values())

        def total(steps: int) -> int:
            return self._total({*kept, *_flat(taken[:steps])})

        # The sum over messages may be less than the count of all, by its rounding.
        fits = len(taken)
        if (tokens := total(fits)) > self.budget:
            fits = bisect_right(range(fits), self.budget, key=total) - 1
            tokens = total(fits)
        stay = {*kept, *_flat(taken[:fits])}
        away = (i for i in range(len(self.history)) if i not in stay)
        return Trimmed(self.history, tokens=tokens, positions=away)

    def _total(self, positions: Iterable[int]) -> int:
        return self.count([self.history[i] for i in sorted(positions)], self.system)

    def _cost(self, positions: Iterable[int]) -> int:
        """Return the sum over messages, each one beyond what no message costs."""
        nothing = self.count((), None)
        return sum(self.count((self.history[i],), None) - nothing for i in positions)

    def _fill(self, room: int, units: Iterable[Sequence[int]]) -> list[Sequence[int]]:
        """Return the units that fit into the room, newest first."""
        taken = []
        for unit in sorted(units, key=lambda unit: unit[-1], reverse=True):
            cost = self._cost(unit)
            if cost <= room:
                room -= cost
                taken.append(unit)
        return taken

    def _too_large(
        self, needed: int, kept: Mapping[int, int], claims: Iterable[_Claim]
    ) -> ConfigurationError:
        systems = [i for i, number in kept.items() if number == 0]
        named = "the system prompt" if self.system or systems else "the request itself"
        parts = {named: self.count((), self.system) + self._cost(systems)}
        cures = ["raise budget_tokens"]
        for number, claim in enumerate(claims, start=1):
            here = [i for i in claim.positions if kept[i] == number]
            if here:
                members = [i for i, first in kept.items() if first == number]
                parts[claim.named(len(here))] = self._cost(members)
                cures += [claim.cure] if claim.cure else []
        listed = ", ".join(f"{part} ({tokens:,})" for part, tokens in parts.items())
        *others, last = cures
        cure = f"{', '.join(others)} or {last}" if others else last
        message = f"{needed:,} tokens do not fit {self.budget:,}: {listed}; {cure}"
        return ConfigurationError(
            message, needed_tokens=needed, budget_tokens=self.budget, parts=parts
        )


def _flat(units: Iterable[Iterable[int]]) -> Iterable[int]:
    return (i for unit in units for i in unit)


def _plural(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _positions(pinned: object, size: int) -> list[int]:
    """Return the pinned positions counted from the start, each once."""
    if not isinstance(pinned, Iterable):
        message = f"pinned is a list of positions, not {pinned!r}"
        raise ValueError(message)
    found = set()
    for position in pinned:
        _require_whole("a pinned position", position, -size)
        if position >= size:
            message = f"nothing to pin at {position}: there are {size} messages"
            raise ValueError(message)
        found.add(position % size)
    return sorted(found)


def _require_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        message = f"{name} is a whole number from {least}, not {value!r}"
        raise ValueError(message)


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str | None):
        message = f"{name} is text, not {value!r}"
        raise ValueError(message)
