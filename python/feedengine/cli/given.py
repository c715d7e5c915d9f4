"""Files that commands are given: whether a feed can be read from what is named, told before anything else is done."""

from __future__ import annotations

from pathlib import Path

from feedengine.errors import UsageError


def check_feed(file: Path, *, state: str | None = "Nothing was changed.") -> None:
    """Raise UsageError unless `file` is a regular file: a feed is read twice, which a pipe cannot be."""
    try:
        if file.is_file():
            return
        folder, there = file.is_dir(), file.exists()
    except OSError as error:
        raise UsageError(f"{file} cannot be looked at: {error.strerror}.", code="NO_FILE", state=state) from None
    if folder:
        told = f"{file} is a folder; a feed is one file, or several in one archive."
    elif there:
        told = f"{file} is a pipe or a device; a feed is read twice, so it must be a file."
    elif str(file) == "-":
        told = "A feed cannot come from standard input: it is read twice. Write it to a file first."
    else:
        told = f"There is no file {file}."
    raise UsageError(told, code="NO_FILE", state=state)
