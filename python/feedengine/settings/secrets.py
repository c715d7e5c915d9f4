"""Secrets that settings only point to: in a file that others can't read, or in the environment."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from feedengine.errors import ConfigError, Hint
from feedengine.settings.kinds import Secret


def resolve(
    name: str, *, file: str | None, variable: str | None, beside: Path | None, env: Mapping[str, str] | None = None
) -> Secret:
    """The secret that the settings `<name>_file` or `<name>_env` point to; an empty one where neither is set.

    `name` is as in messages (`mail.password`); a relative file lies in the folder `beside`. Raises ConfigError where
    both are set, where there is nothing, and for a file that every user of the machine can read.
    """
    if file and variable:
        raise ConfigError(f"{name}_file and {name}_env say the same thing twice; leave one out.")
    if variable:
        found = (os.environ if env is None else env).get(variable)
        if found is None:
            raise ConfigError(
                f"{name}_env: the environment has no {variable}.",
                state="Nothing was sent or loaded.",
                hints=[Hint(f"Set {variable} where feedengine is started, or use {name}_file")],
            )
        return Secret(found)
    if not file:
        return Secret("")
    path = beside / file if beside is not None else Path(file)
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{name}_file: could not read {path}: {reason}.") from error
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ConfigError(
            f"{name}_file: every user of this machine can read {path}.",
            state="Nothing was sent or loaded.",
            hints=[Hint("Let only its owner read it", ("chmod", "600", str(path)))],
        )
    return Secret(text.rstrip("\r\n"))
