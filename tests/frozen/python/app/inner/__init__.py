"""A subpackage without code of its own."""
