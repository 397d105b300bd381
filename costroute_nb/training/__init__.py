"""Offline: outcomes of models at public prompts in, a classifier and its figures out."""
