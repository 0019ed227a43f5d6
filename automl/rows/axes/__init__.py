"""Axes of a study: what grows, and the rows of every level in every repeat."""
