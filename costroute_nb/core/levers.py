"""What each way to spend less has saved or cost, with what it is measured against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from costroute_nb.core.answer_sizes import MOST, Answers, PriceAt, efforts, structured
from costroute_nb.core.lever import Lever, Levers, baseline_in_words
from costroute_nb.core.messages import Usage
from costroute_nb.core.money import format_usd
from costroute_nb.core.prices import Price, cost
from costroute_nb.core.report import percent
from costroute_nb.core.totals import Totals

HIT = "cached"
BROUGHT_NOTHING = ("escalated", "refused", "failed", "interrupted", "unknown")
"""How attempts end that deliver no answer; a cut one may be delivered."""

IN_WHOLE = (
    "answer cache and routing add up to what was saved against {}, {}: the same tokens, "
    "asked there"
)
ON_TOP = (
    "prompt caching and trimming come on top: that baseline reads the same prompt "
    "cache, and its prompts are trimmed alike"
)
COMPARED = (
    f"of each kind the {MOST} comparisons of most answers are given, over the newest "
    "answers: other work may have made the difference"
)


class Used(NamedTuple):
    """What attempts used for which one and the same price holds.

    They are of the UTC day that holds `at`, their prompts have more than `above`
    tokens, and no price step lies in between. `cached` attempts read or wrote the
    provider's prompt cache, `thought` ones have thinking tokens, and `trimmed` ones
    left messages out: `trimmed_saved` pico-USD less, without the `trimmed_unknown`
    ones. `unmeasured` ones have a known cost and no known baseline, and
    `unmeasured_hits` of them are from the answer cache.
    """

    at: datetime
    provider: str
    model: str
    service_tier: str
    speed: str
    geo: str
    above: int
    cached: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    thought: int = 0
    thinking_tokens: int = 0
    trimmed: int = 0
    trimmed_tokens: int = 0
    trimmed_saved: int = 0
    trimmed_unknown: int = 0
    unmeasured: int = 0
    unmeasured_hits: int = 0

    @property
    def cache_write_tokens(self) -> int:
        """Tokens written to the provider's prompt cache, both lifetimes."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    def prompt_cache_saved(self, price: Price | None) -> int | None:
        """Return what the prompt cache saved against plain input, in pico-USD."""
        read, written = self.cache_read_tokens, self.cache_write_tokens
        plain = self._cost(Usage(read + written), price)
        counts = Usage(0, read, self.cache_write_5m_tokens, self.cache_write_1h_tokens)
        paid = self._cost(counts, price)
        return None if plain is None or paid is None else plain - paid

    def thinking_cost(self, price: Price | None) -> int | None:
        """Return what the thinking cost, in pico-USD."""
        return self._cost(Usage(output_tokens=self.thinking_tokens), price)

    def _cost(self, counts: Usage, price: Price | None) -> int | None:
        if price is None:
            return None
        usage = replace(
            counts, service_tier=self.service_tier, speed=self.speed, geo=self.geo
        )
        # The sum over many prompts says nothing of how long each of them is.
        rates = price.rates(self.above + 1)
        return cost(usage, replace(price, base=rates, steps=()))


def levers(
    by_status: Mapping[str, Totals],
    used: Iterable[Used],
    answers: Iterable[Answers],
    *,
    baseline_model: str,
    price: PriceAt,
    now: datetime,
) -> Levers:
    """Return what each lever came to: of totals by status, uses, and answers.

    Parameters
    ----------
    baseline_model
        The large tier's model of today.
    price
        What a model charges at a provider at a moment.
    now
        The moment whose output price compared answers are priced at.
    """
    whole = sum(by_status.values(), Totals())
    if not whole.attempts:
        return Levers()
    uses, sizes = tuple(used), tuple(answers)
    baseline = baseline_in_words(baseline_model)
    rows = (
        *_parts(by_status, uses, baseline),
        *_prompt_caching(uses, price),
        *_trimming(uses),
        *_thinking(uses, price, whole),
        *structured(sizes, price, now),
        *efforts(sizes),
    )
    counts = {lever.counts for lever in rows}
    saved = whole.known_saving
    notes = [IN_WHOLE.format(baseline, format_usd(saved))]
    notes += [ON_TOP] * ("on top" in counts) + [COMPARED] * ("compared" in counts)
    return Levers(rows, saved, tuple(notes))


@dataclass(slots=True)
class _Sum:
    """Attempts and tokens that a lever concerns, and what is known of its money."""

    attempts: int = 0
    tokens: int = 0
    known: int = 0
    unknown: int = 0

    def add(self, attempts: int, tokens: int, pico: int | None) -> None:
        self.attempts += attempts
        self.tokens += tokens
        self.known += pico or 0
        self.unknown += attempts if pico is None else 0

    @property
    def money(self) -> int | None:
        """What is known, None where not one attempt's is."""
        return self.known if self.unknown < self.attempts else None


def _parts(
    by_status: Mapping[str, Totals], uses: Sequence[Used], baseline: str
) -> Iterator[Lever]:
    """Yield the two levers that `saved` is made of."""
    unmeasured_hits = sum(used.unmeasured_hits for used in uses)
    unmeasured = sum(used.unmeasured for used in uses) - unmeasured_hits
    hits = _Sum(unknown=unmeasured_hits)
    asked, lost = Totals(), Totals()
    for status, totals in by_status.items():
        if status == HIT:
            hits.add(totals.attempts, 0, totals.saved)
            hits.unknown += totals.unknown
            continue
        asked += totals
        if status in BROUGHT_NOTHING:
            lost += totals
    if hits.attempts:
        yield Lever(
            "answer cache", "", "part", hits.attempts, None, hits.money, None,
            hits.unknown, f"asking again {baseline}, at its price then",
            f"answers that cost nothing{_left_out(hits.unknown)}",
        )  # fmt: skip
    if asked.attempts:
        unknown = asked.unknown + unmeasured
        known = asked.saved if unknown < asked.attempts else None
        yield Lever(
            "routing", "", "part", asked.attempts,
            asked.input_tokens + asked.cache_read_tokens + asked.cache_write_tokens
            + asked.output_tokens,
            known, None, unknown, f"the delivered answers' tokens on {baseline}",
            f"{_lost(lost)}{_left_out(unknown)}",
        )  # fmt: skip


def _prompt_caching(uses: Iterable[Used], price: PriceAt) -> Iterator[Lever]:
    found, read, written = _Sum(), 0, 0
    for used in uses:
        if used.cached:
            own = price(used.model, used.provider, used.at)
            tokens = used.cache_read_tokens + used.cache_write_tokens
            found.add(used.cached, tokens, used.prompt_cache_saved(own))
            read += used.cache_read_tokens
            written += used.cache_write_tokens
    if found.attempts:
        yield Lever(
            "prompt caching", "", "on top", found.attempts, found.tokens, found.money,
            None, found.unknown,
            "plain input on the same model, at its price of that day",
            f"{read:,} tokens read, {written:,} written{_left_out(found.unknown)}",
        )  # fmt: skip


def _trimming(uses: Iterable[Used]) -> Iterator[Lever]:
    found = _Sum()
    for used in uses:
        found.attempts += used.trimmed
        found.tokens += used.trimmed_tokens
        found.known += used.trimmed_saved
        found.unknown += used.trimmed_unknown
    if found.attempts:
        yield Lever(
            "trimming", "", "on top", found.attempts, found.tokens, found.money,
            None, found.unknown, "sending everything to the same model, as plain input",
            f"about {found.tokens:,} tokens left out{_left_out(found.unknown)}",
        )  # fmt: skip


def _thinking(uses: Iterable[Used], price: PriceAt, whole: Totals) -> Iterator[Lever]:
    """Yield what thinking cost on each model, the dearest first."""
    models: dict[str, _Sum] = {}
    for used in uses:
        if used.thought:
            own = price(used.model, used.provider, used.at)
            found = models.setdefault(used.model, _Sum())
            found.add(used.thought, used.thinking_tokens, used.thinking_cost(own))
    for model, found in sorted(models.items(), key=lambda item: -item[1].known):
        share = found.known / whole.cost if whole.cost and found.money else None
        yield Lever(
            "thinking", model, "cost", found.attempts, found.tokens, None, found.money,
            found.unknown, "no baseline: the output price of that day",
            f"{_share(share)} of all cost{_left_out(found.unknown)}",
        )  # fmt: skip


def _share(share: float | None) -> str:
    # Rounded to nothing it would read as free.
    return "less than 1%" if share and share < 0.01 else percent(share)


def _lost(lost: Totals) -> str:
    if not lost.attempts:
        return "every attempt brought an answer"
    one = lost.attempts == 1
    counted = "1 attempt" if one else f"{lost.attempts:,} attempts"
    known = format_usd(lost.known_cost)
    return f"{counted} brought no answer: {known}, which is taken off"


def _left_out(unknown: int) -> str:
    if not unknown:
        return ""
    one = unknown == 1
    counted = "1 attempt" if one else f"{unknown:,} attempts"
    return f"; {counted} of unknown amount {'is' if one else 'are'} left out"
