"""From words to a command: every verb is known by name, but only the one that was typed is loaded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from feedengine.cli.tree import VERBS, module
from feedengine.errors import Hint, UsageError

if TYPE_CHECKING:
    from feedengine.cli.session import Session

ABOUT = "Receives product feeds as files, says what would change, refuses harm,\n  applies the rest as a snapshot."


def run(words: Sequence[str], session: Session) -> int:
    """Run the command that the words name; gives its exit code. Raises UsageError, and what the command raises."""
    verb, rest = (words[0], list(words[1:])) if words else ("--help", [])
    if verb in ("-h", "--help"):
        return _show(session, overview())
    if verb.startswith("-"):
        raise UsageError(f"There is no global option {verb}.", hints=[Hint("All options", ("feedengine", "--help"))])
    _known(verb, VERBS, "feedengine")
    loaded = import_module(module(verb))
    prog, group = f"feedengine {verb}", getattr(loaded, "group", None)
    if group is None:
        return _one(loaded.command, prog, rest, session)
    word = rest[0] if rest else "--help"
    if word in ("-h", "--help"):
        return _show(session, help_of(verb))
    _known(word, group.commands, prog)
    return _one(group.commands[word], f"{prog} {word}", rest[1:], session)


def _one(function: Any, prog: str, words: list[str], session: Session) -> int:
    from feedengine.cli import declare

    before = words[: words.index("--")] if "--" in words else words
    if "-h" in before or "--help" in before:
        return _show(session, declare.command_help(function, prog))
    return declare.call(function, prog, words, session)


def help_of(verb: str, word: str | None = None) -> list[str]:
    """The help of a verb, or of one command of a group."""
    from feedengine.cli import declare

    loaded = import_module(module(verb))
    prog, group = f"feedengine {verb}", getattr(loaded, "group", None)
    if group is None:
        return declare.command_help(loaded.command, prog)
    if word is None:
        return declare.group_help(VERBS[verb], group.commands, prog)
    return declare.command_help(group.commands[word], f"{prog} {word}")


def overview() -> list[str]:
    """The help of feedengine itself."""
    from feedengine.cli.options import HELP

    width = max(map(len, VERBS)) + 2
    verbs = [f"  {verb.ljust(width)}{about}" for verb, about in VERBS.items()]
    return [
        "Usage: feedengine [OPTIONS] COMMAND ...",
        "",
        f"  {ABOUT}",
        "",
        "Commands:",
        *verbs,
        "",
        *HELP.splitlines(),
    ]


def _known(word: str, known: Collection[str], prog: str) -> None:
    if word in known:
        return
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), 1, 0.6)
    meant = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}."
    raise UsageError(f'There is no command "{word}"{meant}', hints=[Hint("All commands", (*prog.split(), "--help"))])


def _show(session: Session, lines: Sequence[str]) -> int:
    for line in lines:
        session.out.data(line)
    return 0
