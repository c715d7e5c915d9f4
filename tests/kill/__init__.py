"""Killed or out of disk at every step of a commit: the store is whole, the task is recovered, a rerun works."""
