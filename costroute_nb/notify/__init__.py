"""Alerts that leave the machine: through Apprise, to chat, mail and webhooks."""

from costroute_nb.notify.sending import AppriseNotifier, split_urls

__all__ = ["AppriseNotifier", "split_urls"]
