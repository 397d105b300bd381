"""What routing adds to a call of the SDK, beside what LiteLLM's router adds."""

from __future__ import annotations

import importlib.util
from functools import partial
from typing import TYPE_CHECKING, Any

import anthropic

from benchmarks.report import Line, beside
from benchmarks.server import KEY, LONG
from benchmarks.timing import in_turns, overhead
from costroute_nb import Session
from costroute_nb.providers.anthropic import AnthropicProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.place import Place

    Ask = Callable[[str], str]

_SHORT = "Translate this to French: the tide was out"
_MOST_SECONDS, _MOST_OF_LITELLM, _MOST_STREAM = 0.002, 0.5, 1.3


def measure(place: Place) -> Iterator[Line]:
    with Session(home=str(place.home("overhead"))) as session:
        yield from _compare(place, session)


def _compare(place: Place, session: Session) -> Iterator[Line]:
    client = anthropic.Anthropic(max_retries=0)
    rounds = place.times(200, 30)
    bare = partial(_stream, client, _body(session, _SHORT))
    routed = partial(_routed, session, _SHORT)
    assert routed() == bare()
    times = in_turns({"routed": routed, "bare": bare}, rounds)
    ours = overhead(times["routed"], times["bare"])
    peer = "SDK stream"
    yield beside("routed call, 6 deltas", times["routed"], peer, times["bare"])
    raw = partial(_events, client, _body(session, _SHORT))
    times = in_turns({"routed": routed, "raw": raw}, rounds)
    over_raw = overhead(times["routed"], times["raw"])
    theirs, why = _litellm_overhead(bare, _body(session, _SHORT), place, rounds)
    yield Line(
        "overhead over the SDK's stream, p50",
        ours,
        "litellm.Router" if theirs is not None else "litellm.Router: not installed",
        theirs,
        ours / theirs if theirs else None,
        _MOST_SECONDS,
        _MOST_OF_LITELLM,
        why,
    )
    yield Line("  the same over the SDK's raw events", over_raw)

    routed = partial(_routed, session, LONG)
    bare = partial(_stream, client, _body(session, LONG))
    assert routed() == bare()
    times = in_turns({"routed": routed, "bare": bare}, rounds)
    yield beside(
        "stream of 20 deltas",
        times["routed"],
        peer,
        times["bare"],
        most_ratio=_MOST_STREAM,
    )


def _routed(session: Session, prompt: str) -> str:
    return session.route(prompt, cache=False).text


def _body(session: Session, prompt: str) -> dict[str, Any]:
    """Return what the routed call sends, as the SDK's `stream` takes it."""
    candidate = session.plan(prompt, cache=False).candidates[0]
    body = AnthropicProvider().body(candidate.spec, candidate.request)
    del body["stream"]
    return body


def _stream(client: anthropic.Anthropic, body: dict[str, Any]) -> str:
    with client.messages.stream(**body) as events:
        text = "".join(events.text_stream)
        assert events.get_final_message().usage.output_tokens
        return text


def _events(client: anthropic.Anthropic, body: dict[str, Any]) -> int:
    """Read the SDK's typed events without its accumulated message."""
    with client.messages.create(**body, stream=True) as events:
        return sum(1 for _ in events)


def _litellm_overhead(
    bare: Callable[[], str], body: dict[str, Any], place: Place, rounds: int
) -> tuple[float | None, str]:
    """Return what LiteLLM's router adds to the same call, or why nobody knows."""
    if importlib.util.find_spec("litellm") is None:
        return None, "litellm is not installed, so half of its overhead is unchecked"
    ask = _litellm(place.url, body)
    assert ask() == bare()
    times = in_turns({"theirs": ask, "bare": bare}, rounds)
    return overhead(times["theirs"], times["bare"]), ""


def _litellm(url: str, body: dict[str, Any]) -> Callable[[], str]:
    """Return the same streamed call through `litellm.Router`, with nothing switched on."""
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    deployment = {
        "model": f"anthropic/{body['model']}",
        "api_key": KEY,
        "api_base": url,
    }
    router = litellm.Router(
        model_list=[{"model_name": "small", "litellm_params": deployment}],
        num_retries=0,
    )
    options = {name: body[name] for name in ("max_tokens", "thinking") if name in body}

    def ask() -> str:
        chunks = router.completion(
            model="small", messages=body["messages"], stream=True, **options
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    return ask
