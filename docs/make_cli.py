"""Write docs/cli.md and docs/exit-codes.md from the command tree itself: `python docs/make_cli.py`."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parent


def help_text(*argv: str) -> str:
    """What `feedengine ... --help` prints."""
    from feedengine.cli.app import help_of, overview

    return "\n".join(help_of(*argv) if argv else overview())


def subcommands(verb: str) -> list[str]:
    """The words after a verb that is a group, in the order of its help."""
    from importlib import import_module

    from feedengine.cli.tree import module

    group = getattr(import_module(module(verb)), "group", None)
    return list(group.commands) if group else []


def block(*argv: str) -> list[str]:
    """A heading and the help of one command."""
    depth = "#" * (len(argv) + 1)
    return [f"{depth} {' '.join(['feedengine', *argv])}", "", "```", help_text(*argv), "```", ""]


def commands() -> str:
    """The text of docs/cli.md."""
    from feedengine.cli.tree import VERBS

    lines = [
        "# The command line",
        "",
        "Made from the commands themselves by `python docs/make_cli.py`; a test keeps it current.",
        "",
        "Data goes to stdout, talk to stderr. `--json` prints exactly one JSON object, `--events` one a line while it",
        'runs: the first is `{"type":"version","events":"1.0"}`, the last has the type `result`. Readers ignore',
        "keys and types they do not know, and refuse another major version. What a process ends with: exit-codes.md.",
        "",
        *block(),
    ]
    for verb in VERBS:
        lines += block(verb)
        for word in subcommands(verb):
            lines += block(verb, word)
    return "\n".join(lines).rstrip() + "\n"


def exit_codes() -> str:
    """The text of docs/exit-codes.md."""
    from feedengine.errors import ExitCode

    rows = [f"| {int(code)} | {code.sentence} |" for code in ExitCode]
    return "\n".join(
        [
            "# Exit codes",
            "",
            "Made by `python docs/make_cli.py`. Codes are only ever added: treat one you do not know as a failure.",
            "",
            "| code | meaning |",
            "|---|---|",
            *rows,
            "",
        ]
    )


DOCUMENTS = {DOCS / "cli.md": commands, DOCS / "exit-codes.md": exit_codes}


if __name__ == "__main__":
    for path, text in DOCUMENTS.items():
        path.write_text(text(), encoding="utf-8")
