"""Workbooks: the ones that are written, and the ones that are read."""
