"""The endpoints of the local Messages API, playing the scripted replies."""

import time
from urllib.parse import parse_qs, urlsplit

from tests.support.messages_api import rules, wire
from tests.support.messages_api.answers import Answer, compose
from tests.support.messages_api.connection import Connection
from tests.support.messages_api.log import MESSAGES
from tests.support.messages_api.models import Usage, find_model
from tests.support.messages_api.prompt_cache import Cached
from tests.support.messages_api.replies import (
    ERROR_TYPES,
    Body,
    Cut,
    CutBeforeHeaders,
    Hang,
    HttpError,
    Reply,
    Slow,
    SseError,
    Text,
)

_COUNT = f"{MESSAGES}/count_tokens"
_MODELS = "/v1/models"
_HANG_POLL_SECONDS = 0.02
_STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "transfer-encoding": "chunked",
}


class Endpoints(Connection):
    """Answers what came in on one connection."""

    def respond(self, body: Body | None) -> None:
        objection = rules.caller_objection(self.seen.headers, self.api.keys)
        path = self.seen.path
        if objection is not None:
            self.send_error_reply(objection)
        elif self.command == "POST" and path in {MESSAGES, _COUNT}:
            self._converse(body)
        elif self.command == "GET" and path == _MODELS:
            self._list_models()
        elif self.command == "GET" and path.startswith(f"{_MODELS}/"):
            self._show_model(path.removeprefix(f"{_MODELS}/"))
        else:
            self.send_error_reply(HttpError(404, message=f"Not found: {path}"))

    def _converse(self, body: Body | None) -> None:
        generates = self.seen.is_message
        count, size = self.api.tokens.prompt, len(self.seen.raw)
        objection = rules.body_objection(
            body, size, self.api.models, count, generates=generates
        )
        if objection is not None or body is None:
            self.send_error_reply(objection or HttpError(400))
        elif generates:
            self._play(self.api.script.choose(body), body)
        else:
            self.send_whole(wire.as_json({"input_tokens": count(body, size)}))

    def _list_models(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        ids = list(self.api.models)
        after = query.get("after_id", [""])[0]
        start = ids.index(after) + 1 if after in ids else 0
        end = start + int(query.get("limit", ["20"])[0])
        page = ids[start:end]
        listing = {
            "data": [wire.model_info(i, self.api.models[i]) for i in page],
            "has_more": end < len(ids),
            "first_id": page[0] if page else None,
            "last_id": page[-1] if page else None,
        }
        self.send_whole(wire.as_json(listing))

    def _show_model(self, model_id: str) -> None:
        model = find_model(self.api.models, model_id)
        if model is None:
            self.send_error_reply(HttpError(404, message=f"model: {model_id}"))
        else:
            self.send_whole(wire.as_json(wire.model_info(model_id, model)))

    def _play(self, reply: Reply, body: Body) -> None:
        match reply:
            case Slow():
                self.wait(reply.seconds)
                self._play(reply.then, body)
            case Hang():
                self._hang(reply.seconds)
            case HttpError():
                self.send_error_reply(reply)
            case CutBeforeHeaders():
                if reply.billed:
                    answer = self._compose(Text(), body)
                    self.bill(answer, answer.usage)
                    self.api.cache.keep(answer.cached)
                self.drop()
            case SseError() if not body.get("stream"):
                statuses = {kind: status for status, kind in ERROR_TYPES.items()}
                status = statuses.get(reply.type, 500)
                self.send_error_reply(HttpError(status, reply.type, reply.message))
            case Text():
                self._answer(reply, body)

    def _hang(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.wait(_HANG_POLL_SECONDS)
            self.check_client()
        self.drop()

    def _compose(self, reply: Text, body: Body) -> Answer:
        model = find_model(self.api.models, body["model"])
        thinks = model is not None and model.thinks(body.get("thinking"))
        size = len(self.seen.raw)

        def count(prompt: Body) -> int:
            return self.api.tokens.prompt(prompt, size)

        whole, cached = count(body), Cached()
        if reply.fixed_cached() is None:
            account = self.seen.headers["authorization"]
            cached = self.api.cache.look(account, body, count, whole)
        return compose(
            reply,
            body,
            answer_id=self.seen.request_id.replace("req_", "msg_"),
            prompt_tokens=whole,
            thinking_tokens=self.api.thinking_tokens if thinks else 0,
            tokens=self.api.tokens,
            cached=cached,
        )

    def _answer(self, reply: Text, body: Body) -> None:
        answer = self._compose(reply, body)
        self.wait(reply.delay)
        # Who left before the answer began pays for it: it was generated all the same.
        self.bill(answer, answer.usage)
        self.api.cache.keep(answer.cached)
        self.check_client()
        if body.get("stream"):
            self._stream(reply, answer)
            return
        payload = wire.as_json(wire.message(answer, answer.usage))
        if isinstance(reply, Cut):
            self.send_head(200, {"content-length": str(len(payload))})
            self.wfile.write(payload[: len(payload) // 2])
            self.drop()
        else:
            self.send_whole(payload, tokens=answer.usage.output)

    def _stream(self, reply: Text, answer: Answer) -> None:
        events = wire.events(answer, reply.deltas, reply.usage_every)
        if isinstance(reply, Cut | SseError):
            events = wire.until(events, reply.after_deltas)
        self.bill(answer, Usage())
        self.send_head(200, _STREAM_HEADERS)
        for event in events:
            if event.is_delta:
                self.wait(reply.delta_delay)
            self.check_client()
            self._send_event(event, answer)
        if isinstance(reply, SseError):
            error = HttpError(200, reply.type, reply.message)
            self.note(completed=True, error=reply.type)
            data = wire.error_body(error, self.seen.request_id)
            self.send_chunk(wire.Event("error", data).encode(), last=True)
        elif isinstance(reply, Cut):
            self.drop()

    def _send_event(self, event: wire.Event, answer: Answer) -> None:
        usage = answer.usage.cut_at(event.generated)
        if event.name == "message_stop":
            # Written down first: the client may look as soon as it has the end.
            self.note(completed=True)
            self.send_chunk(event.encode(), last=True)
        else:
            self.send_chunk(event.encode())
            self.bill(answer, usage)
            self.note(tokens_sent=usage.output)
