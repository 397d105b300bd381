"""The provider's face: what is sent, to whom, and one attempt at a time."""

from __future__ import annotations

import gc
import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from costroute_nb.errors import Interrupted, ProviderError
from costroute_nb.forks import lock_across_forks
from costroute_nb.providers.anthropic.body import counted_body, message_body
from costroute_nb.providers.anthropic.credentials import (
    Credentials,
    find_credentials,
    missing_key,
    normal_url,
    require_usable,
)
from costroute_nb.providers.anthropic.errors import Attempt
from costroute_nb.providers.anthropic.stream import failure_of, raised_by_sdk, stream
from costroute_nb.providers.anthropic.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anthropic import Anthropic

    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import Completion, Request

API_VERSION = "2026-10-21"
"""What the SDK sends as `anthropic-version`; part of where a request goes."""
_CONNECT_SECONDS = 5.0


class AnthropicProvider:
    """Claude models, one attempt per call and never a retry of its own.

    Parameters
    ----------
    api_key, base_url
        Instead of what the environment and the profile on disk say; those are read
        at each call, so that a key set in a later cell counts.
    timeout
        Seconds without a byte from the server after which a call fails. The length
        of an answer is bounded by its tokens, not by this.
    """

    name = "anthropic"
    simulated = False

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: float = 600.0,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._timeout = timeout
        self._lock = lock_across_forks()
        self._built: tuple[tuple[object, ...], Anthropic] | None = None
        self._open: list[tuple[int, Anthropic]] = []

    def body(self, model: Model, request: Request) -> dict[str, Any]:
        """Return the whole request body as it is sent.

        Raises
        ------
        ConfigurationError
            If the model enforces schemas but could not enforce this one.
        """
        return message_body(model, request)

    def scope(self) -> dict[str, str]:
        """Return where requests go; the account is a digest, never a key."""
        credentials = self._credentials()
        return {
            "base_url": normal_url(credentials.base_url),
            "api_version": API_VERSION,
            "betas": credentials.betas,
            "headers": credentials.headers,
            "account": credentials.account,
        }

    def check_credentials(self) -> None:
        """Raise MissingKeyError if no call could be authenticated. Sends nothing."""
        require_usable(self._credentials())

    def complete(
        self,
        model: Model,
        request: Request,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Make one attempt, streaming the answer's text to `on_text`.

        An exception of `on_text` ends the request and passes through. Errors of
        configuration, and a plain KeyboardInterrupt, mean that nothing was sent.

        Raises
        ------
        MissingKeyError, ConfigurationError
            Before anything is sent.
        ProviderError
            Its fields say whether a retry may help and whether it may be billed;
            `partial` is set when a stream had begun.
        Interrupted
            On Ctrl-C, with the partial completion.
        """
        credentials = self._credentials()
        body = self.body(model, request)
        client = self._client(credentials)
        transcript = Transcript(model, request, body)
        attempt = Attempt(model.id, credentials)
        stopped = Interrupted.during(None)
        try:
            try:
                with closing(stream(client, body, transcript, attempt)) as deltas:
                    for delta in deltas:
                        if on_text is not None:
                            on_text(delta)
                return transcript.finished()
            except KeyboardInterrupt:
                stopped.partial = transcript.so_far()
                raise
        except KeyboardInterrupt:
            # Made beforehand: no interrupt finds anything to interrupt in here, so
            # none leaves as a plain one, which would say that nothing was sent.
            raise stopped from None

    def count_tokens(self, model: Model, request: Request) -> int:
        """Return the provider's own count of the prompt's tokens; costs nothing.

        Raises
        ------
        ProviderError
            As `complete`, but never billed.
        """
        credentials = self._credentials()
        counted = counted_body(self.body(model, request))
        client = self._client(credentials)
        failure: ProviderError
        try:
            return client.messages.count_tokens(**counted).input_tokens
        except raised_by_sdk() as error:
            failure = failure_of(error, Attempt(model.id, credentials))
        failure.maybe_billed = False
        raise failure

    def close(self) -> None:
        """Give back the connections; a later call opens new ones."""
        with self._lock:
            opened, self._open, self._built = self._open, [], None
        for pid, client in opened:
            # A forked child must not say goodbye on its parent's connections.
            if pid == os.getpid():
                client.close()

    def _credentials(self) -> Credentials:
        return find_credentials(self._api_key, self._base_url)

    def _client(self, credentials: Credentials) -> Anthropic:
        """Return the client of this process for these credentials."""
        require_usable(credentials)
        # A forked process must not share its parent's connections.
        wanted = (os.getpid(), *credentials.identity)
        built = self._built
        if built is None or built[0] != wanted:
            with self._lock:
                built = self._built
                if built is None or built[0] != wanted:
                    built = wanted, _build_client(credentials, self._timeout)
                    self._built = built
                    # An older one may still serve another thread.
                    self._open.append((os.getpid(), built[1]))
        return built[1]


def _build_client(credentials: Credentials, timeout: float) -> Anthropic:
    """Return a client that never retries; importing the SDK takes seconds."""
    with _garbage_kept():
        import anthropic
        import httpx2

    complaint = f"The Anthropic {credentials.source} cannot be used; nothing was sent."
    try:
        client = anthropic.Anthropic(
            api_key=credentials.api_key,
            auth_token=credentials.auth_token,
            base_url=credentials.base_url,
            timeout=httpx2.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            max_retries=0,
        )
    except anthropic.AnthropicError:
        raise missing_key(complaint) from None
    known = client.api_key or client.auth_token or client.credentials
    if not known and credentials.source != "headers":
        raise missing_key(complaint)
    return client


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """Collect no garbage meanwhile: an import's objects stay, and looking costs 13 %."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
