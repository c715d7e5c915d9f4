"""Records that are sent as they are created or confirmed."""
