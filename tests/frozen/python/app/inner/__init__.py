"""A package without code."""
