"""Fetching: which files of another server are wanted, whole and new, and how each gets into the queue once."""
