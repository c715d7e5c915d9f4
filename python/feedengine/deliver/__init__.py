"""Writing out: snapshots as files that other programs, or another feedengine, can read."""
