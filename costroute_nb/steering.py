"""The limits in force: changed from any thread, and told to whoever observes them."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costroute_nb.callbacks import Callbacks
from costroute_nb.core.budget import Limits

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class _Wheel:
    """What is steered by; budgets that follow each other share one."""

    limits: Limits
    stopped: bool = False
    observers: Callbacks[Limits] = field(
        default_factory=lambda: Callbacks("Budget.observe")
    )
    lock: threading.Lock = field(default_factory=threading.Lock)


class Steering:
    """What a budget holds calls to, and the switch that stops them all.

    Parameters
    ----------
    limits
        What may be spent.
    """

    def __init__(self, limits: Limits) -> None:
        self._wheel = _Wheel(limits)

    @property
    def limits(self) -> Limits:
        """The limits in force; a new value holds from the next reservation on."""
        return self._wheel.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        if not isinstance(limits, Limits):
            message = f"not a Limits: {limits!r}; try Limits(session=5)"  # type: ignore[unreachable] # cells are not type-checked
            raise TypeError(message)
        with self._wheel.lock:
            self._wheel.limits = limits
        self._tell()

    def update(self, **changes: Any) -> None:
        """Change some limits and leave the others.

        Raises
        ------
        TypeError
            For a name that `Limits` does not have.
        ValueError
            For a value that `Limits` does not take.
        """
        wheel = self._wheel
        with wheel.lock:
            wheel.limits = dataclasses.replace(wheel.limits, **changes)
        self._tell()

    def observe(self, callback: Callable[[Limits], object]) -> Callable[[], None]:
        """Call back after each change of the limits, `stop` and `resume` included.

        The call runs in the thread that made the change, outside every lock; what
        it raises is logged. After two changes at once it may come late with the
        older limits: `limits` has the newer ones by then.

        Returns
        -------
        callable
            Ends it.
        """
        return self._wheel.observers.add(callback)

    @property
    def stopped(self) -> bool:
        """Whether every new request is refused until `resume`."""
        return self._wheel.stopped

    def stop(self) -> None:
        """Refuse every new request of this session, in every thread, until `resume`.

        Requests in flight end and are booked; cached answers are still served.
        """
        self._wheel.stopped = True
        self._tell()

    def resume(self) -> None:
        """Let the limits alone decide again."""
        self._wheel.stopped = False
        self._tell()

    def continue_from(self, before: Steering) -> None:
        """Share everything with the budget that this one replaces, from now on.

        Whoever still holds the other one steers this one with it.
        """
        self._wheel = before._wheel

    def _tell(self) -> None:
        self._wheel.observers.tell(self._wheel.limits)
