"""The parser: every verb is known by name, but only the one that was typed is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import typer

from feedengine.cli.options import HELP
from feedengine.cli.tree import VERBS, module

_CONTEXT = {"help_option_names": ["-h", "--help"]}
_ABOUT = "Receives product feeds as files, says what would change, refuses harm, applies the rest as a snapshot."

Command = Callable[[list[str], object], Any]


def build(words: Sequence[str], *, everything: bool = False) -> Command:
    """The command line for these words; `everything` loads all commands, for the documentation."""
    chosen = next((word for word in words if not word.startswith("-")), None)
    app = typer.Typer(
        name="feedengine",
        help=_ABOUT,
        epilog=HELP.replace("\n\n", "\n\n\b\n"),
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=_CONTEXT,
    )
    app.callback()(_root)
    for verb, about in VERBS.items():
        if verb != chosen and not everything:
            app.command(verb, help=about)(_stub)
            continue
        loaded = import_module(module(verb))
        if hasattr(loaded, "group"):
            app.add_typer(loaded.group, name=verb, help=about)
        else:
            app.command(verb, short_help=about, context_settings=_CONTEXT)(loaded.command)

    parser = typer.main.get_command(app)
    groups = {each.name for each in app.registered_groups}

    def command(argv: list[str], session: object) -> Any:
        if not argv or (len(argv) == 1 and argv[0] in groups):
            argv = [*argv, "--help"]
        # Not `main`: it would take Ctrl-C and closed pipes out of our hands.
        try:
            with parser.make_context("feedengine", list(argv), obj=session) as context:
                return parser.invoke(context)
        except typer.Exit as end:
            return end.exit_code

    return command


def _root() -> None:
    """The root does nothing by itself: global options were taken out before."""


def _stub() -> None:
    """Stands for a command that was not typed, for the overview."""
