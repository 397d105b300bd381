"""Where every attempt and every hold is kept."""
