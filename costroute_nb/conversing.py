"""How a session serves calls, each with its thread, and what it tells of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costroute_nb.archive import KEPT_CALLS
from costroute_nb.core.call import as_blocks
from costroute_nb.core.fingerprint import fingerprint
from costroute_nb.core.messages import Request
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.steps import checked
from costroute_nb.core.tokens import Estimate, split_messages, split_text
from costroute_nb.errors import ConfigurationError
from costroute_nb.nobody import NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costroute_nb.callbacks import Callbacks
    from costroute_nb.conversations import Conversations
    from costroute_nb.core.call import Call
    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import Message
    from costroute_nb.core.plan import Plan
    from costroute_nb.core.result import Result
    from costroute_nb.core.thread import Thread
    from costroute_nb.ports import Clock, Listener, Provider
    from costroute_nb.wiring import Parts

_COUNT_KEPT = 30 * 86_400.0
"""Seconds that a provider's count is kept: a model's tokenizer does not change."""


class Conversing:
    """The part of a session that serves calls, each with its thread, and counts tokens."""

    session_id: str
    # Replaced as a whole when settings change: every method looks at it once.
    _parts: Parts
    _conversations: Conversations
    _clock: Clock
    _settled: Callbacks[Call]

    def run(self, call: Call, listener: Listener | None = None) -> Result:
        """Serve a call, telling a listener how it goes."""
        parts, heard = self._parts, listener or NOBODY
        try:
            return self._conversations.run(
                call,
                lambda joined: parts.router.route(joined, heard),
                now=self._clock.now,
                known=parts.catalog.known,
                on_wait=heard.notice,
                patience=parts.router.lease,
            )
        finally:
            self._settled.tell(call)

    def plan_call(self, call: Call) -> Plan:
        """Return how a call would be served."""
        return self._parts.router.plan(self._conversations.joined(call))

    def threads(self) -> tuple[str, ...]:
        """Return the names of the session's threads, in order of creation."""
        return self._conversations.names()

    def thread(self, name: str) -> Thread:
        """Return a thread as far as it has come; one that nobody began is empty."""
        return self._conversations.thread(name.strip())

    def clear_thread(self, name: str) -> int:
        """Forget a thread; return how many messages it had.

        What its calls left out stays in the archive.
        """
        return self._conversations.clear(name.strip())

    def archive(self, call_id: str) -> list[Message]:
        """Return what trimming left out of a call's prompt, in chronological order.

        For a call of a thread that is everything of the thread that was not sent. It
        is kept in memory, of the newest 1,000 calls that were answered.

        Raises
        ------
        ConfigurationError
            If this session made no such call, or what it left out is not kept: it
            failed, or is too old.
        """
        found = self._conversations.archive(call_id)
        if found is not None:
            return found
        rows = self._parts.ledger.records(session_id=self.session_id)
        made = [record for record in rows if record.call_id == call_id]
        if not made:
            message = (
                f"no call {call_id!r} of this session: what is left out is kept "
                "in memory only, while the session lasts"
            )
            raise ConfigurationError(message)
        # A hit's record does not tell what was left out when it was asked.
        if any(record.trimmed_tokens or record.cache_hit for record in made):
            message = (
                f"what call {call_id!r} left out is not kept: it failed, or is older "
                f"than the newest {KEPT_CALLS:,} calls"
            )
            raise ConfigurationError(message)
        return []

    def count_tokens(
        self,
        text_or_messages: str | Sequence[Message],
        model: str | None = None,
        *,
        exact: bool = False,
    ) -> int:
        """Return the prompt tokens of a text or of messages.

        They are estimated offline, corrected by what the ledger has seen billed.

        Parameters
        ----------
        text_or_messages
            Text, or `{role, content}` messages; messages include their overhead.
        model
            Whose tokens; None takes the large tier's model.
        exact
            Asks the provider, which costs nothing and is remembered; text is counted
            as one message.

        Raises
        ------
        ConfigurationError
            If the model is not known, or what is to be counted is no text and no list
            of messages.
        ProviderError
            If the provider does not tell.
        """
        parts = self._parts
        spec = parts.catalog.find(model) if model else baseline_model(parts.catalog)
        if not isinstance(text_or_messages, str):
            try:
                text_or_messages = checked(text_or_messages)
            except ValueError as error:
                raise ConfigurationError(str(error)) from None
        if exact:
            return _counted(parts, spec, _asked(text_or_messages))
        return parts.counter.corrected(
            _estimate(text_or_messages, spec), spec.tokenizer, simulated=parts.simulated
        )


def _estimate(given: str | Sequence[Message], model: Model) -> Estimate:
    if isinstance(given, str):
        return split_text(given, model.tokenizer)
    return split_messages(given, tokenizer=model.tokenizer)


def _asked(given: str | Sequence[Message]) -> Request:
    """Return the request whose prompt is counted: system messages go beside it."""
    if isinstance(given, str):
        return Request(({"role": "user", "content": given},), 1)
    system = [_text(m) for m in given if m["role"] == "system"]
    messages = tuple(m for m in given if m["role"] != "system")
    return Request(messages, 1, system="\n\n".join(system) or None)


def _text(message: Message) -> str:
    parts = (block.get("text", "") for block in as_blocks(message["content"]))
    return "\n\n".join(filter(None, parts))


def _counted(parts: Parts, model: Model, request: Request) -> int:
    """Return the provider's count, asked for once."""
    provider: Provider = parts.router.providers[parts.settings.provider]
    scope = {**provider.scope(), "counted": "tokens"}
    key = fingerprint(provider.body(model, request), scope)
    kept = parts.cache.get(key)
    if kept is not None:
        return int(kept["tokens"])
    provider.check_credentials()
    tokens = provider.count_tokens(model, request)
    parts.cache.put(key, {"tokens": tokens}, _COUNT_KEPT)
    return tokens
