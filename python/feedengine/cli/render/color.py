"""Colour, added to finished lines by their leading word, so that rendering itself stays plain text."""

from __future__ import annotations

import re

_RED, _GREEN, _YELLOW, _BOLD, _DIM, _OFF = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
_LEADS = (
    (re.compile(r"^(STOPPED|ERROR|REJECTED|BUG)\b"), _BOLD + _RED),
    (re.compile(r"^(HELD|WARNING)\b"), _BOLD + _YELLOW),
    (re.compile(r"^(Applied|Saved|No change|Rolled back|Ready|Checked)"), _GREEN),
    (re.compile(r"^(Read|Reading|Compared|Plan)\b"), _BOLD),
)
_COUNTS = (
    (re.compile(r"(?<=\s)\+[1-9][\d,]*"), _GREEN),
    (re.compile(r"(?<=\s)−[1-9][\d,]*"), _RED),
    (re.compile(r"(?<=\s)~[1-9][\d,]*"), _YELLOW),
)
_COMMAND = re.compile(r"(?<=\s)feedengine .*$")


def paint(line: str) -> str:
    """The line with its verdict, its counts and its commands coloured."""
    for pattern, color in _COUNTS:
        line = pattern.sub(lambda match, color=color: f"{color}{match[0]}{_OFF}", line)  # type: ignore[misc]
    for pattern, color in _LEADS:
        line = pattern.sub(lambda match, color=color: f"{color}{match[0]}{_OFF}", line)  # type: ignore[misc]
    return _COMMAND.sub(lambda match: f"{_DIM}{match[0]}{_OFF}", line)
