"""A subpackage without code."""
