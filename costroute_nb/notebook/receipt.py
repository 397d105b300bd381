"""The one line under every answer: who answered, what it cost, what it saved."""

from typing import TYPE_CHECKING

from costroute_nb.core.money import format_usd, usd_to_pico

if TYPE_CHECKING:
    from costroute_nb.core.result import Result

SEPARATOR = " · "


def receipt(result: "Result", line: str, standing: str = "") -> str:
    """Return a result's receipt as plain text.

    Parameters
    ----------
    line
        The model line (`haiku`) or tier that the reader knows the model by.
    standing
        How the session's limit stands now, or nothing.
    """
    usage = result.usage
    parts = [
        line,
        result.model,
        f"{usage.prompt_tokens:,} in / {usage.output_tokens:,} out",
        _cost(result),
        f"cache hit, {age(result.age_s or 0)} old"
        if result.cache_hit
        else "cache miss",
        standing,
        _saved(result),
        f"{result.attempts} attempts" if result.attempts > 1 else "",
        "cut at its token cap" if result.stop_reason == "max_tokens" else "",
        result.reason,
        "simulated" if result.simulated else "",
    ]
    return SEPARATOR.join(part for part in parts if part)


def standing(spent: int, limit: int | None) -> str:
    """Return how a session's limit stands, from amounts in pico-USD."""
    of = "" if limit is None else f" of {format_usd(limit)}"
    return f"session {format_usd(spent)}{of}"


def age(seconds: float) -> str:
    """Return an age as a reader wants it: `5 s`, `3 min`, `2 h`, `4 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _cost(result: "Result") -> str:
    if result.cost_usd is None:
        return "cost unknown"
    cost = format_usd(usd_to_pico(result.cost_usd))
    return f"{cost} estimated" if result.estimated else cost


def _saved(result: "Result") -> str:
    # The baseline itself saves nothing, which need not be said.
    if result.saved_usd is None or (not result.saved_usd and _is_baseline(result)):
        return ""
    saved = format_usd(usd_to_pico(result.saved_usd))
    return f"saved {saved} vs {result.baseline_model}"


def _is_baseline(result: "Result") -> bool:
    return result.model == result.baseline_model
