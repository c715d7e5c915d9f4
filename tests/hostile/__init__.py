"""Malformed and hostile feeds, each with its exact answer."""
