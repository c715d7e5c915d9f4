"""How commands declare their options: as annotated parameters, which are turned into a parser when they are typed.

A parameter is `name: Annotated[type, Option(...)] = default` or `Annotated[type, Argument(...)]`. Types: str, int,
Path, bool (a flag), any of them `| None`, and lists of them. The standard library parses: a parser library with
validation of its own takes longer to load than a small patch may take in all.
"""

from __future__ import annotations

import argparse
import inspect
import textwrap
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn, get_args, get_origin, get_type_hints

from feedengine.errors import Hint, UsageError

WIDTH = 79
_HELP_COLUMN = 32

Function = Callable[..., int]


@dataclass(frozen=True)
class Option:
    """An option: its flag, how its value is written, one line of help, and the least number allowed."""

    flag: str
    metavar: str = ""
    help: str = ""
    least: int | None = None


@dataclass(frozen=True)
class Argument:
    """A positional argument."""

    metavar: str
    help: str = ""


@dataclass(frozen=True)
class Context:
    """What a command is given besides its parameters: the session."""

    obj: Any


@dataclass
class Group:
    """Commands under one verb, in the order they were declared."""

    commands: dict[str, Function] = field(default_factory=dict)

    def command(self, name: str) -> Callable[[Function], Function]:
        """Declare a command of the group."""

        def declare(function: Function) -> Function:
            self.commands[name] = function
            return function

        return declare


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving the process; knows the nearest option."""

    def error(self, message: str) -> NoReturn:
        text = message[:1].upper() + message[1:]
        if message.startswith("unrecognized arguments: -"):
            unknown = message.split()[2].partition("=")[0]
            text = f"There is no option {unknown}{self._nearest(unknown)}."
        raise UsageError(text, hints=[Hint("How it is used", (*self.prog.split(), "--help"))])

    def _nearest(self, unknown: str) -> str:
        from difflib import get_close_matches

        known = [name for action in self._actions for name in action.option_strings]
        close = get_close_matches(unknown, known, 1, 0.6)
        return f"; did you mean {close[0]}" if close else ""


def call(function: Function, prog: str, words: Sequence[str], session: object) -> int:
    """Parse the words after the command's name and run it."""
    values = vars(parser(function, prog).parse_args(list(words)))
    return int(function(Context(session), **values) or 0)


def parser(function: Function, prog: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    made = _Parser(prog=prog, add_help=False, allow_abbrev=False)
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if get_origin(hints[name]) is Annotated:
            kind, declared = get_args(hints[name])
            _add(made, name, kind, declared, parameter.default)
    return made


def _add(made: argparse.ArgumentParser, name: str, kind: Any, declared: Option | Argument, default: Any) -> None:
    plain, many = _plain(kind)
    wanted: dict[str, Any] = {}
    if plain is not bool:
        least = declared.least if isinstance(declared, Option) else None
        wanted["type"] = _whole(least) if plain is int else plain
        wanted["metavar"] = declared.metavar
    if isinstance(declared, Option):
        required = default is inspect.Parameter.empty
        action = "store_true" if plain is bool else "append" if many else "store"
        made.add_argument(
            declared.flag, dest=name, action=action, required=required, default=None if required else default, **wanted
        )
        return
    if many:
        wanted["nargs"] = "+"
    elif default is not inspect.Parameter.empty:
        wanted |= {"nargs": "?", "default": default}
    made.add_argument(name, **wanted)


def _plain(kind: Any) -> tuple[Any, bool]:
    """The type of one value, and whether there may be several."""
    if get_origin(kind) in (types.UnionType,) or str(get_origin(kind)) == "typing.Union":
        kind = next(each for each in get_args(kind) if each is not type(None))
    if get_origin(kind) is list:
        return get_args(kind)[0], True
    return kind, False


def _whole(least: int | None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f'must be a whole number; not "{text}"') from None
        if least is not None and value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}; not {value}")
        return value

    return parse


def command_help(function: Function, prog: str) -> list[str]:
    """The help of one command."""
    options: list[tuple[str, str]] = []
    arguments: list[tuple[str, str]] = []
    hints = get_type_hints(function, include_extras=True)
    usage = [f"Usage: {prog} [OPTIONS]"]
    for name, parameter in inspect.signature(function).parameters.items():
        if get_origin(hints[name]) is not Annotated:
            continue
        declared = get_args(hints[name])[1]
        if isinstance(declared, Argument):
            optional = parameter.default is not inspect.Parameter.empty
            usage.append(f"[{declared.metavar}]" if optional else declared.metavar)
            arguments.append((declared.metavar, declared.help))
        else:
            shown = f"{declared.flag} {declared.metavar}".rstrip()
            required = parameter.default is inspect.Parameter.empty
            options.append((shown, declared.help + (" Required." if required else "")))
    options.append(("-h, --help", "Show this and exit."))
    lines = [" ".join(usage), "", *_paragraphs(inspect.getdoc(function) or "")]
    for title, rows in (("Arguments", arguments), ("Options", options)):
        if rows:
            lines += ["", f"{title}:", *columns(rows)]
    return lines


def group_help(about: str, functions: dict[str, Function], prog: str) -> list[str]:
    """The help of a verb with commands under it."""
    rows = [(name, (inspect.getdoc(function) or "").splitlines()[0]) for name, function in functions.items()]
    return [f"Usage: {prog} COMMAND ...", "", *_paragraphs(about), "", "Commands:", *columns(rows)]


def columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Two columns, the second one wrapped."""
    width = min(max(len(name) for name, _ in rows) + 4, _HELP_COLUMN)
    lines = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, WIDTH - width) or [""]
        first = f"  {name}".ljust(width)
        if len(first) > width:
            lines.append(first)
            first = " " * width
        lines.append((first + wrapped[0]).rstrip())
        lines += [" " * width + rest for rest in wrapped[1:]]
    return lines


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        lines += [*([""] if lines else []), *textwrap.wrap(" ".join(paragraph.split()), WIDTH - 2)]
    return ["  " + line if line else "" for line in lines]
