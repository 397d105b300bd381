"""What needs no session: a prompt's tier and difficulty, its tokens, a history trimmed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from costroute_nb.core import trimming
from costroute_nb.core.combined import CombinedClassifier
from costroute_nb.core.offsets import PRIOR
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.tokens import estimate_messages, estimate_tokens
from costroute_nb.errors import ConfigurationError
from costroute_nb.settings import DEFAULTS
from costroute_nb.sources import config_dir
from costroute_nb.tables import load_tables
from costroute_nb.wiring import SHIPPED, classifier_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costroute_nb.core.classification import Classification
    from costroute_nb.core.messages import Message
    from costroute_nb.core.trimming import Trimmed


def classify(prompt: str) -> Classification:
    """Return which tier a prompt needs, and why; nothing is sent.

    It is by your rules and the built-in ones, and where none matches by the learned
    classifier as shipped: neither your settings nor the ledger's answers change it.

    Raises
    ------
    ConfigurationError
        If it is given anything but a text.
    """
    _check_text(prompt)
    rules = load_tables(config_dir()).rules
    classifier = CombinedClassifier(
        classifier_of(rules.rules, rules.size),
        SHIPPED.estimate,
        offsets=lambda source: PRIOR,
        max_failure=DEFAULTS.max_failure,
    )
    return classifier.classify(prompt, input_tokens=estimate_tokens(prompt))


def difficulty(prompts: Iterable[str]) -> list[float]:
    """Return one number per prompt: the higher, the more it needs the stronger model.

    It is what the learned classifier says by itself, without any rule: for measuring
    it. Only the order of the numbers means something.

    Raises
    ------
    ConfigurationError
        If it is given one text instead of several, or anything but texts.
    """
    return [SHIPPED.estimate(prompt).difficulty for prompt in _texts(prompts)]


def count_tokens(
    text_or_messages: str | Sequence[Message], model: str | None = None
) -> int:
    """Estimate the prompt tokens of a text or of messages, offline.

    Parameters
    ----------
    text_or_messages
        Text, or `{role, content}` messages; messages include their overhead.
    model
        Whose tokenizer to assume; None takes the newest family's.
    """
    tokenizer = _tokenizer(model)
    if isinstance(text_or_messages, str):
        return estimate_tokens(text_or_messages, tokenizer)
    return estimate_messages(text_or_messages, tokenizer=tokenizer)


def trim(
    messages: Iterable[Message],
    *,
    budget_tokens: int,
    keep_recent: int = 3,
    pinned: Iterable[int] = (),
    system: str | None = None,
    model: str | None = None,
) -> Trimmed:
    """Return the messages that fit a number of tokens, as a list with `.dropped`.

    System messages, the task (the first user message), pinned messages, the last
    `keep_recent` steps and what the user wrote after them always stay. A step is an
    assistant message with its tool results, and with the question before it. Older
    steps fill what is left, newest first: each stays or goes as a whole, and the
    messages keep their order. What fits already is returned whole.

    Parameters
    ----------
    messages
        `{role, content}` messages in chronological order, of the roles `system`,
        `user` and `assistant`.
    budget_tokens
        The most tokens that the system prompt and the kept messages may have,
        estimated as `count_tokens` does; only text has a known count.
    keep_recent
        How many of the newest steps always stay.
    pinned
        Positions of messages that always stay; negative ones count from the end.
    system
        A system prompt that is sent beside the messages, and counts.
    model
        Whose tokenizer to assume; None takes the newest family's.

    Returns
    -------
    Trimmed
        The kept messages. `.dropped` has the others, `.positions` where they were,
        `.tokens` what is left, `.steps` and `.steps_dropped` how many steps there
        were and how many of them went.

    Raises
    ------
    ConfigurationError
        If what always stays does not fit: it names each part and its tokens. Also
        for an argument that cannot be used.
    """
    count = partial(estimate_messages, tokenizer=_tokenizer(model))
    try:
        return trimming.trim(
            messages,
            budget_tokens=budget_tokens,
            keep_recent=keep_recent,
            pinned=pinned,
            system=system,
            count=count,
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _check_text(prompt: object) -> None:
    if not isinstance(prompt, str):
        message = f"classify takes a text, not {type(prompt).__name__}"
        raise ConfigurationError(message)


def _texts(prompts: object) -> list[str]:
    """Return the prompts whose difficulty is asked, all of them looked at first."""
    if isinstance(prompts, str):
        message = "difficulty takes a list of prompts: difficulty([prompt])"
        raise ConfigurationError(message)
    if isinstance(prompts, (bytes, bytearray)) or not isinstance(prompts, Iterable):
        message = f"difficulty takes a list of prompts, not {type(prompts).__name__}"
        raise ConfigurationError(message)
    texts = []
    for number, prompt in enumerate(prompts):
        if not isinstance(prompt, str):
            kind = type(prompt).__name__
            message = f"difficulty takes a list of prompts: number {number} is {kind}"
            raise ConfigurationError(message)
        texts.append(prompt)
    return texts


def _tokenizer(model: str | None) -> str:
    catalog = load_tables(config_dir()).catalog
    return (catalog.find(model) if model else baseline_model(catalog)).tokenizer
