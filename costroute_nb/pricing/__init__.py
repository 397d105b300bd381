"""Prices by exact model id and day: dated overrides over the genai-prices package."""

from costroute_nb.pricing.book import PriceBook

__all__ = ["PriceBook"]
