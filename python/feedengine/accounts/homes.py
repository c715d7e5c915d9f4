"""Login names and the folders that are named after them: no climbing, no hiding, no two names for one folder."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote, unquote

from feedengine.errors import UsageError

# Kept as they are, so that people recognise a login; everything else but letters and digits becomes %XX.
_PLAIN = "@+-_=,() "
_LONGEST = 200
_LONGEST_NAME = 128


def login(raw: str) -> str:
    """A login name in its one form. Raises `UsageError` for one that can't be typed, printed or stored."""
    name = unicodedata.normalize("NFC", raw)
    if not name or name != name.strip():
        raise UsageError("A login name is not empty, and neither begins nor ends with a space.", state=_STATE)
    if not name.isprintable():
        raise UsageError("A login name has no control characters or other invisible ones.", state=_STATE)
    if len(name) > _LONGEST_NAME or len(folder(name)) > _LONGEST:
        raise UsageError(f"The login name is too long; {_LONGEST_NAME} letters are allowed.", state=_STATE)
    return name


def folder(name: str) -> str:
    """The folder's name for a login: one path element, never hidden, `login_of` undoes it."""
    quoted = quote(name, safe=_PLAIN, errors="surrogatepass")
    for edge in (".", " "):
        # A leading dot hides a folder or climbs; a trailing dot or space is lost on other file systems.
        if quoted.startswith(edge):
            quoted = f"%{ord(edge):02X}{quoted[1:]}"
        if quoted.endswith(edge):
            quoted = f"{quoted[:-1]}%{ord(edge):02X}"
    return quoted


def login_of(name: str) -> str:
    """The login that a folder was named after."""
    return unquote(name, errors="surrogatepass")


def chosen(raw: str) -> str:
    """A folder that was asked for with --home. Raises `UsageError` unless it is one plain name."""
    if not raw or len(raw) > _LONGEST or not raw.isprintable() or "/" in raw or "\\" in raw or raw != raw.strip(". "):
        raise UsageError(f'--home wants the name of one folder inside the store\'s "homes"; not "{raw}".', state=_STATE)
    return raw


_STATE = "Nothing was changed."
