"""What an answer costs and what a request may cost at most, in exact pico-USD."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from costroute_nb.core.messages import Completion, Usage

# Values of `usage.inference_geo` that carry no surcharge. Models that cannot be
# pinned to a region report `not_available`.
_STANDARD_GEOS = frozenset({"global", "not_available", ""})


@dataclass(frozen=True, slots=True)
class Rates:
    """Pico-USD per token for each of the five disjoint counts of a `Usage`."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int

    def cost(self, usage: Usage) -> int:
        """Return what the tokens of a usage cost at these rates, in pico-USD."""
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * self.cache_read
            + usage.cache_write_5m_tokens * self.cache_write_5m
            + usage.cache_write_1h_tokens * self.cache_write_1h
        )

    def highest_prompt_rate(self, *, writes_cache: bool) -> int:
        """Return the most that one token of a prompt can cost, in pico-USD."""
        rate = max(self.input, self.cache_read)
        if writes_cache:
            rate = max(rate, self.cache_write_5m, self.cache_write_1h)
        return rate


@dataclass(frozen=True, slots=True)
class Price:
    """What a model charges on one day.

    Attributes
    ----------
    base
        The standard rates.
    steps
        `(tokens, rates)`, ascending: above this many prompt tokens (cached ones
        count) the rates hold for the whole request, output included.
    web_search
        Pico-USD for one web search, or None where none is published.
    fast
        The rates of `speed="fast"`, or None where none are published.
    as_of
        Which table said so, such as `genai-prices 0.2.3`.
    """

    model: str
    base: Rates
    steps: tuple[tuple[int, Rates], ...] = ()
    web_search: int | None = None
    fast: Rates | None = None
    as_of: str = ""

    def reachable(self, prompt_tokens: int) -> Iterator[Rates]:
        """Yield the rates that a prompt of at most this many tokens may meet."""
        yield self.base
        for above, rates in self.steps:
            if prompt_tokens > above:
                yield rates

    def rates(self, prompt_tokens: int) -> Rates:
        """Return the rates of a request whose prompt has this many tokens."""
        *_, last = self.reachable(prompt_tokens)
        return last


def complete_rates(
    provider: str,
    input_rate: int,
    output_rate: int,
    *,
    cache_read: int | None = None,
    cache_write_5m: int | None = None,
    cache_write_1h: int | None = None,
) -> Rates:
    """Return rates in which what nobody published is filled in.

    A read costs no more than plain input. Anthropic's cache writes cost 1.25 times
    the input rate when kept for 5 minutes and twice when kept for an hour
    (https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing);
    for other providers a write without a price of its own is plain input.
    """
    if provider == "anthropic":
        # Rounded up: a lost fraction would make an upper bound too low.
        short, long = -(-5 * input_rate // 4), 2 * input_rate
    else:
        short = input_rate
        long = short if cache_write_5m is None else cache_write_5m
    return Rates(
        input=input_rate,
        output=output_rate,
        cache_read=input_rate if cache_read is None else cache_read,
        cache_write_5m=short if cache_write_5m is None else cache_write_5m,
        cache_write_1h=long if cache_write_1h is None else cache_write_1h,
    )


def cost(usage: Usage, price: Price) -> int | None:
    """Return what a usage costs, in pico-USD; None if it cannot be priced.

    A batch halves every token rate; inference pinned to the US costs 1.1 times as
    much. Both leave web searches alone. What no table prices (the priority tier,
    another region, a fast mode without published rates) is unknown, never free.
    """
    rates = _standard_or_fast(usage, price)
    scale = _scale(usage)
    searches = _searches(usage, price)
    if rates is None or scale is None or searches is None:
        return None
    times, divisor = scale
    return _divide_half_even(rates.cost(usage) * times, divisor) + searches


def completion_cost(
    completion: Completion, price_of: Callable[[str], Price | None]
) -> int | None:
    """Return what a completion costs, in pico-USD; None if any of it is unknown.

    Prices follow the model of the response. Where several models served one
    response, each is paid at its own price and an attempt without output is free.
    """
    served = [(m, usage) for m, usage in completion.parts if usage.output_tokens]
    total = 0
    for model, usage in served or [(completion.model, completion.usage)]:
        price = price_of(model)
        amount = None if price is None else cost(usage, price)
        if amount is None:
            return None
        total += amount
    return total


def worst_case(
    prompt_bound: int, max_tokens: int, price: Price, *, writes_cache: bool = False
) -> int:
    """Return an upper bound of a request's cost, in pico-USD.

    It holds for every standard answer with at most `prompt_bound` prompt tokens and
    `max_tokens` output tokens, thinking included; cache writes only if
    `writes_cache`. It never falls when either bound grows.
    """
    return max(
        prompt_bound * rates.highest_prompt_rate(writes_cache=writes_cache)
        + max_tokens * rates.output
        for rates in price.reachable(prompt_bound)
    )


def largest_max_tokens(
    room: int, prompt_bound: int, price: Price, *, writes_cache: bool = False
) -> int | None:
    """Return the largest cap whose worst case fits in `room` pico-USD, if any is.

    None means that not even one output token fits.
    """
    largest = min(
        (room - prompt_bound * rates.highest_prompt_rate(writes_cache=writes_cache))
        // max(rates.output, 1)
        for rates in price.reachable(prompt_bound)
    )
    return largest if largest >= 1 else None


def _standard_or_fast(usage: Usage, price: Price) -> Rates | None:
    if usage.speed == "standard":
        return price.rates(usage.prompt_tokens)
    # A batch has no fast mode, so nobody has published what the two cost together.
    if usage.speed == "fast" and usage.service_tier == "standard":
        return price.fast
    return None


def _scale(usage: Usage) -> tuple[int, int] | None:
    """Return the factor on all token rates as a fraction, or None if unknown."""
    if usage.service_tier not in ("standard", "batch"):
        return None
    divisor = 2 if usage.service_tier == "batch" else 1
    if usage.geo == "us":
        return 11, 10 * divisor
    return (1, divisor) if usage.geo in _STANDARD_GEOS else None


def _searches(usage: Usage, price: Price) -> int | None:
    if not usage.web_searches:
        return 0
    return None if price.web_search is None else usage.web_searches * price.web_search


def _divide_half_even(amount: int, divisor: int) -> int:
    """Return amount / divisor as a whole number, halves to the even neighbour."""
    quotient, rest = divmod(amount, divisor)
    up = 2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1)
    return quotient + up
