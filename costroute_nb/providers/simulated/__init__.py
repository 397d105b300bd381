"""A provider that works offline: deterministic answers made from the prompt itself."""

from costroute_nb.providers.simulated.provider import SimulatedProvider

__all__ = ["SimulatedProvider"]
