"""One module per command; only the one that was typed is imported."""
