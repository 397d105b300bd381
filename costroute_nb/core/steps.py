"""The messages of a history: checked, and which of them belong together."""

from collections.abc import Iterable, Mapping, Sequence

from costroute_nb.core.messages import Message

_ROLES = ("system", "user", "assistant")


def checked(messages: object) -> list[Message]:
    """Return the messages as a list.

    Raises
    ------
    ValueError
        Where one is no `{role, content}` message; it says which.
    """
    if isinstance(messages, str | Mapping) or not isinstance(messages, Iterable):
        message = "messages is a list of {role, content} messages"
        raise ValueError(message)
    history = list(messages)
    for number, one in enumerate(history):
        where = f"messages[{number}]"
        if not isinstance(one, Mapping) or one.get("role") not in _ROLES:
            message = f"{where} is not a message of the roles {', '.join(_ROLES)}"
            raise ValueError(message)
        content = one.get("content")
        if isinstance(content, str):
            continue
        if not isinstance(content, list | tuple):
            message = f"{where} has no content: text or a list of blocks"
            raise ValueError(message)
        if not all(isinstance(block, Mapping) for block in content):
            # An SDK's object would be counted as nothing.
            message = f"{where} has a block that is no mapping: use its model_dump()"
            raise ValueError(message)
    return history


def units(history: Sequence[Message]) -> list[Sequence[int]]:
    """Return for each message the positions of its unit: what stays or goes with it.

    An assistant message begins a unit, which has the results of its tool uses,
    wherever they come, and the user's messages before it, the question it answers.
    The task, the first of the user's messages, has no part in the answer's unit. Tool
    results that answer nothing stay with what they follow.
    """
    groups = _Groups(len(history))
    task = next(iter(of_role(history, "user")), None)
    uses: dict[str | None, int] = {}
    question = before = None
    for i, message in enumerate(history):
        if message["role"] == "system":
            continue
        results = _ids(message, "tool_result", "tool_use_id")
        groups.join(i, *(uses[name] for name in results if name in uses))
        if message["role"] == "assistant":
            groups.join(i, question)
            question = None
        elif i != task:
            if not results:
                groups.join(i, question)
                question = i
            elif not uses.keys() & set(results):
                groups.join(i, before)
        before = i
        uses |= {name: i for name in _ids(message, "tool_use", "id") if name}
    return groups.members()


class _Groups:
    """Positions that belong together, each group known by one of them."""

    def __init__(self, size: int) -> None:
        self._one = list(range(size))

    def join(self, position: int, *others: int | None) -> None:
        for other in others:
            if other is not None:
                self._one[self._find(other)] = self._find(position)

    def members(self) -> list[Sequence[int]]:
        groups: dict[int, list[int]] = {}
        for i in range(len(self._one)):
            groups.setdefault(self._find(i), []).append(i)
        return [groups[self._find(i)] for i in range(len(self._one))]

    def _find(self, i: int) -> int:
        while self._one[i] != i:
            # Halving the way as it is walked keeps every later walk short.
            self._one[i] = self._one[self._one[i]]
            i = self._one[i]
        return i


def _ids(message: Message, kind: str, key: str) -> list[str | None]:
    """Return the ids of a message's blocks of a kind, a server's tools included."""
    content = message["content"]
    if isinstance(content, str):
        return []
    blocks = [b for b in content if str(b.get("type")).endswith(kind)]
    return [b[key] if isinstance(b.get(key), str) else None for b in blocks]


def of_role(messages: Sequence[Message], role: str) -> list[int]:
    """Return the positions of the messages of a role."""
    return [i for i, message in enumerate(messages) if message["role"] == role]
