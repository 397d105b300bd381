"""A process that spends: threads that route prompts until the day limit refuses.

Usage: python -m tests.support.spender THREADS CALLS DAY_LIMIT MAX_TOKENS

Prints how many calls were answered and how many were refused.
"""

import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from costroute_nb.errors import BudgetExceededError
from costroute_nb.session import Session


def main() -> None:
    """Spend, then report one line."""
    threads, calls, limit, cap = sys.argv[1:]
    session = Session(
        day_limit=float(limit), session_limit=None, call_limit=None, budget_wait=60.0
    )
    lock = threading.Lock()
    counts = {"answered": 0, "refused": 0}

    def spend(_: int) -> None:
        outcome = "answered"
        try:
            session.route(
                f"Explain {uuid.uuid4()} to me.",
                tier="medium",
                escalate=False,
                cache=False,
                max_tokens=int(cap),
            )
        except BudgetExceededError:
            outcome = "refused"
        with lock:
            counts[outcome] += 1

    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(spend, range(int(calls))))
    session.close()
    sys.stdout.write(f"{counts['answered']} {counts['refused']}\n")


if __name__ == "__main__":
    main()
