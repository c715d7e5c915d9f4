"""The global options: understood before and after the command, gathered before the command is parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from feedengine.errors import UsageError

_FLAGS = {
    "--json": "json",
    "--events": "events",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
    "--yes": "yes",
    "-y": "yes",
    "--version": "version",
}
_VALUES = {"--store": "store", "--config": "config", "--progress": "progress", "--color": "color"}
_CHOICES = {"progress": ("auto", "bar", "log", "none"), "color": ("auto", "always", "never")}

HELP = """Global options, before or after the command:

  --store DIR         the store (or FEEDENGINE_STORE, or the settings file)
  --config FILE       the settings file (default: feedengine.toml if it exists)
  --json              one JSON object on stdout instead of text
  --events            one JSON object a line on stdout while running
  -q, --quiet         say nothing but errors
  -v, --verbose       say more
  --progress MODE     auto, bar, log or none
  --color MODE        auto, always or never; NO_COLOR and CLICOLOR_FORCE count
  -y, --yes           do not ask
  --version           print the version
"""


@dataclass(frozen=True)
class Options:
    """What the global options said."""

    store: str | None = None
    config: str | None = None
    json: bool = False
    events: bool = False
    quiet: bool = False
    verbose: bool = False
    yes: bool = False
    version: bool = False
    progress: str = "auto"
    color: str = "auto"


def split(argv: Sequence[str]) -> tuple[Options, list[str]]:
    """Take the global options out of `argv`, wherever they stand before `--`; the rest keeps its order.

    A value that looks like one of them is written with `=` (`--reason=--json`). Raises UsageError.
    """
    found: dict[str, Any] = {}
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
            break
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            found[_FLAGS[word]] = True
        elif name in _VALUES:
            given = value if equals else next(words, None)
            if not given:
                raise UsageError(f"{name} needs a value.", hints=["feedengine --help lists the global options"])
            found[_VALUES[name]] = _checked(name, _VALUES[name], given)
        else:
            rest.append(word)
    if found.get("json") and found.get("events"):
        raise UsageError("--json and --events exclude each other: the last event holds the whole result.")
    return replace(Options(), **found), rest


def _checked(name: str, what: str, given: str) -> str:
    allowed = _CHOICES.get(what)
    if allowed and given not in allowed:
        raise UsageError(f'{name} must be one of {", ".join(allowed)}; not "{given}".')
    return given
