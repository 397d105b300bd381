"""Alerts: what is due is told once, whoever finds it first."""

from costroute_nb.alerts.watch import Alerts

__all__ = ["Alerts"]
