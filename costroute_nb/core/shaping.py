"""How one model is asked: its cap on tokens, its thinking and its effort."""

from dataclasses import replace

from costroute_nb.core.call import Call
from costroute_nb.core.catalog import Model
from costroute_nb.core.classification import Task
from costroute_nb.core.messages import Request

# Thinking bills as output and counts into the cap. Where a model thinks, this much
# is added to the answer's cap, so that thinking never eats the whole answer.
THINKING_HEADROOM = 2048


def shape(call: Call, model: Model, task: Task, default_max_tokens: int) -> Request:
    """Return the request as this model should be asked: cap, thinking, effort.

    Delegated tasks think as little as a model allows, mechanical ones on the small
    tier. A given cap is kept as it is where thinking can be turned off, and gets
    head-room where it cannot. An effort that was asked for is taken at its word: the
    model thinks.
    """
    cap = call.max_tokens or default_max_tokens
    mechanical = task.thinking == "off" and model.tier == "small"
    tight = call.max_tokens is not None and call.max_tokens < 2 * THINKING_HEADROOM
    idle = mechanical or tight or call.task is not None
    quiet = idle and model.thinks and call.effort is None
    thinks = model.thinks and not (quiet and model.thinking_off != "never")
    if thinks and (call.max_tokens is None or tight):
        cap += THINKING_HEADROOM
    effort = call.effort or (None if quiet else task.effort)
    if quiet and model.thinking_off == "never":
        effort = "low"  # the least thinking there is
    if effort not in model.efforts:
        effort = None
    return replace(
        call.request(min(cap, model.max_output)),
        thinking="off" if quiet else "auto",
        effort=effort,
    )


def cap_to_ask(call: Call, model: Model, sent: int) -> int | None:
    """Return the largest `max_tokens` to ask for that sends at most this cap.

    It undoes what `shape` adds; None means that nothing is left for an answer.
    """
    always = model.thinking_off == "never" or call.effort is not None
    if model.thinks and always and sent < 2 * THINKING_HEADROOM:
        sent -= THINKING_HEADROOM
    return sent if sent > 0 else None


def doubled(call: Call, model: Model, request: Request) -> Request | None:
    """Return the longer try of a request whose answer was cut, or None.

    A cap of the user's own is final, and so is the longest answer of the model.
    """
    cap = min(2 * request.max_tokens, model.max_output)
    if call.cap_is_final or cap <= request.max_tokens:
        return None
    return replace(request, max_tokens=cap)
