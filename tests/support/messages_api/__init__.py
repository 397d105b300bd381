"""The parts of the local Messages API that `tests.support.anthropic_server` serves."""
