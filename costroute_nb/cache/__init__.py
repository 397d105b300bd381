"""Where validated answers are kept."""
