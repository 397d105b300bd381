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
    parts = [
        line,
        result.model,
        _tokens(result),
        f"effort {result.effort}" if result.effort and not result.cache_hit else "",
        _cost(result),
        f"cache hit, {age(result.age_s or 0)} old"
        if result.cache_hit
        else "cache miss",
        _prompt_cache(result),
        _left_out(result),
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


def _tokens(result: "Result") -> str:
    usage = result.usage
    thought = f" ({usage.thinking_tokens:,} thinking)" if usage.thinking_tokens else ""
    return f"{usage.prompt_tokens:,} in / {usage.output_tokens:,} out{thought}"


def _prompt_cache(result: "Result") -> str:
    """Return what the provider's prompt cache served and kept, and what that saved."""
    read, written = result.usage.cache_read_tokens, result.usage.cache_write_tokens
    counts = [f"{read:,} read"] if read else []
    counts += [f"{written:,} written"] if written else []
    if not counts:
        return ""
    said = f"prompt cache {', '.join(counts)}"
    if result.prompt_cache_usd is None:
        return said
    saved = usd_to_pico(result.prompt_cache_usd)
    than = "less" if saved >= 0 else "more"
    return f"{said}, {format_usd(abs(saved))} {than} than plain input"


def _left_out(result: "Result") -> str:
    """Return what trimming left out of the prompt, never silently."""
    if result.trimmed_tokens:
        said = f"{result.trimmed_tokens:,} tokens left out"
        if result.trimmed_usd is None:
            return said
        return f"{said}, {format_usd(usd_to_pico(result.trimmed_usd))} less than all of them"
    count = len(result.dropped)  # by earlier calls of its thread, or of a cached answer
    return f"{count:,} message{'' if count == 1 else 's'} left out" if count else ""


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
