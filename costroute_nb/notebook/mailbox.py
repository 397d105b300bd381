"""Do what threads ask for one at a time and in order, without making any of them wait."""

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Mailbox:
    """Runs jobs in the order in which they were posted, never two at once.

    A thread that posts runs what is waiting, unless another one is at it: that one
    then runs the new job, too. So no thread ever holds a lock while it runs a job, and
    jobs may post, or wait for threads that post.
    """

    def __init__(self) -> None:
        self._jobs: deque[Callable[[], object]] = deque()
        self._lock = threading.Lock()
        self._busy = False

    def post(self, job: "Callable[[], object]") -> None:
        """Have a job run: before this returns, or in the thread that is at it now.

        What a job raises reaches whoever runs it, after which the rest runs.
        """
        with self._lock:
            self._jobs.append(job)
            if self._busy:
                return
            self._busy = True
        self._run()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._busy = False
                    return
                job = self._jobs.popleft()
            try:
                job()
            except BaseException:
                self._continue()
                raise

    def _continue(self) -> None:
        """Run what is left after a job has failed."""
        with self._lock:
            self._busy = bool(self._jobs)
            if not self._busy:
                return
        self._run()
