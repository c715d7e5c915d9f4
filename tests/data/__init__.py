"""Real feeds that nobody on the project wrote."""
