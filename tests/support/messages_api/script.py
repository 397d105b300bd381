"""Which reply the next request for a message gets."""

import threading
from collections import deque
from collections.abc import Callable

from tests.support.messages_api.replies import Body, Reply, Text

Match = str | Callable[[Body], bool]
Choice = Reply | Callable[[Body], Reply]


class Script:
    """Replies in order of precedence: by match, queued, standing, default."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Go back to the default answer."""
        with self._lock:
            self._queue: deque[Choice] = deque()
            self._standing: Choice = Text()
            self._matches: list[tuple[Match, deque[Choice]]] = []

    def queue(self, *replies: Choice) -> None:
        """Give each reply once, in order."""
        with self._lock:
            self._queue.extend(replies)

    def stand(self, reply: Choice) -> None:
        """Give this reply whenever the queue is empty."""
        with self._lock:
            self._standing = reply

    def match(self, match: Match, *replies: Choice) -> None:
        """Give these to the requests that match, the last one for ever."""
        if not replies:
            raise ValueError("at least one reply is needed")
        with self._lock:
            self._matches.insert(0, (match, deque(replies)))

    @property
    def unused(self) -> int:
        """How many queued replies nobody has asked for."""
        with self._lock:
            return len(self._queue)

    def choose(self, body: Body) -> Reply:
        """Take the reply for this request."""
        with self._lock:
            choice = self._take(body)
        return choice(body) if callable(choice) else choice

    def _take(self, body: Body) -> Choice:
        for match, replies in self._matches:
            hit = body["model"] == match if isinstance(match, str) else match(body)
            if hit:
                return replies.popleft() if len(replies) > 1 else replies[0]
        return self._queue.popleft() if self._queue else self._standing
