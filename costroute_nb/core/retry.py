"""How long to wait before a failed attempt is made again, and when to give up."""

from dataclasses import dataclass

from costroute_nb.errors import ProviderError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The caps on one call's attempts and on its waiting.

    Attributes
    ----------
    attempts
        One more than the retries a call may make, those of all its candidates counted
        together: no fallback and no escalation begins a new count.
    base, cap
        Seconds of the first wait, doubled after each attempt up to `cap`.
    max_wait
        Seconds of waiting in total per call, whoever asked for it.
    """

    attempts: int = 3
    base: float = 0.5
    cap: float = 8.0
    max_wait: float = 60.0

    def delay(
        self, error: ProviderError, attempt: int, waited: float, jitter: float
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up.

        The provider's own `retry_after` is honoured in full or not at all: asking
        earlier than it said would only be refused again.

        Parameters
        ----------
        error
            What ended the attempt.
        attempt
            One more than the retries this call has made, so from 1.
        waited
            Seconds this call has waited so far.
        jitter
            A number from 0 up to 1 that keeps many callers from returning at once.
        """
        if not error.retryable or attempt >= self.attempts:
            return None
        remaining = self.max_wait - waited
        if error.retry_after:
            return error.retry_after if error.retry_after <= remaining else None
        backoff = min(self.cap, self.base * 2.0 ** (attempt - 1))
        wait = backoff * (1.0 - jitter / 2)
        return wait if wait <= remaining else None

    def gave_up(
        self, error: ProviderError, attempt: int, waited: float
    ) -> ProviderError:
        """Return the error to raise once `delay` said no, telling why it did.

        It is of the same class with the same fields; one that no retry could have
        helped is returned as it is.
        """
        if not error.retryable:
            return error
        asked = error.retry_after or 0.0
        if attempt < self.attempts and asked > self.max_wait - waited:
            before = f", after {waited:.0f} s already spent waiting" if waited else ""
            why = (
                f"the provider asks to wait {_seconds(asked)}, more than the "
                f"{_seconds(self.max_wait)} a call waits{before}; try again later"
            )
        elif attempt < self.attempts:
            why = f"gave up after waiting {_seconds(waited)}; try again later"
        elif attempt == 1:
            return error
        else:
            why = f"gave up after {attempt} attempts; try again later"
        return type(error)(f"{error} ({why})", **vars(error))


def _seconds(seconds: float) -> str:
    if seconds >= 7200:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
