"""Planning and applying feeds of any profile."""
