"""An error as text: what happened, what state we are in, the command to type next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from feedengine.cli.render import steps, text
from feedengine.errors import FeedEngineError

#: The leading word by exit code; anything else is an ERROR.
_WORDS = {3: "STOPPED", 5: "REJECTED"}


def error(problem: FeedEngineError, options: Sequence[str] = ()) -> list[str]:
    """The lines of an error; its code last in the first sentence, so that it can be searched for."""
    message = problem.message
    # A file's name, or a setting's, stays as it is written.
    if not re.match(r"\S*[./\\_]\S", message):
        message = message[:1].upper() + message[1:]
    if not message.endswith((".", "!", "?")):
        message += "."
    lines = text.paragraph(_WORDS.get(int(problem.exit), "ERROR"), f"{text_lines(message)} [{problem.code}]")
    if problem.state:
        lines += text.paragraph("", text_lines(problem.state))
    hints: list[dict[str, Any]] = [hint.as_dict() for hint in problem.hints]
    if hints:
        lines += ["", *steps.lines(steps.complete(hints, options))]
    return lines


def text_lines(message: str) -> str:
    """A message that may have line breaks of its own, otherwise safe for a terminal."""
    return "\n".join(text.clean(line) for line in message.split("\n"))
