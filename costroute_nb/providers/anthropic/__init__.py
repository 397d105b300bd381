"""Anthropic's Messages API through the official SDK, imported on first use."""

from costroute_nb.providers.anthropic.provider import AnthropicProvider

__all__ = ["AnthropicProvider"]
