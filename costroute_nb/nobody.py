"""A listener for calls that nobody watches."""


class Nobody:
    """Hears everything about a call and does nothing."""

    def text(self, delta: str) -> None:
        """Ignore it."""

    def restart(self, reason: str) -> None:
        """Ignore it."""

    def notice(self, message: str) -> None:
        """Ignore it."""


NOBODY = Nobody()
