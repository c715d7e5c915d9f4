"""Formats that a profile declares: encodings, fixed width, XML, beside those that bytes tell."""
