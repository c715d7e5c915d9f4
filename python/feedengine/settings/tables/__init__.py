"""The settings, a file per part of the engine: each row is a table, a name, a kind, a default and one sentence."""
