"""The command line: one file per command, rendering beside it; the only importer of rich."""
