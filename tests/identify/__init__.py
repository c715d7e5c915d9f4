"""Matching by several identifiers: the engine against a slow, obvious model."""
