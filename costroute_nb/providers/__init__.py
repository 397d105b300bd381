"""The services that run models."""
