"""Tests of the servers and clients of `feedengine.transport`."""
