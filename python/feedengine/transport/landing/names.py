"""Which paths a partner may use: clean ones, names of files that are not finished, the engine's own folders."""

from __future__ import annotations

import fnmatch
import re
import unicodedata

#: Folders of a home that the engine writes and partners only read (and delete from, where they may).
ENGINES = ("processed", "processed_with_errors", "failed", "reports", "export")
#: Every folder that a new home gets.
FOLDERS = ("in", *ENGINES)

_UNFINISHED = re.compile(
    "|".join(
        fnmatch.translate(pattern)
        for pattern in (
            *("*.part", "*.partial", "*.filepart", "*.tmp", "*.temp", "*.writing", "*.uploading", "*.crdownload"),
            *("*.camellock", "*.processing", "~*", ".*"),
        )
    )
)
_OURS = re.compile(r"\..*\.[0-9a-f]{16}-[0-9a-f]{8}\.part", re.DOTALL)
_LONGEST_NAME = 255
_LONGEST_PATH = 3000


class BadPath(Exception):
    """A path that no file can have here; the message is for the sender."""


def clean(path: str, folder: str = "/") -> str:
    """The absolute virtual path that `path` means in `folder`: `/a/b`, in Unicode's composed form.

    No file can be outside: `..` ends at the home, and links are never followed. Raises `BadPath`.
    """
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        raise BadPath("a name must not hold control characters")
    if any(0xD800 <= ord(char) < 0xE000 for char in path):
        raise BadPath("a name must be valid UTF-8")
    joined = path if path.startswith("/") else f"{folder}/{path}"
    parts: list[str] = []
    for part in unicodedata.normalize("NFC", joined).split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise BadPath(f"a name must not be longer than {_LONGEST_NAME} bytes")
    whole = "/" + "/".join(parts)
    if len(whole.encode()) > _LONGEST_PATH:
        raise BadPath("the path is too long")
    return whole


def split(virtual: str) -> tuple[list[str], str]:
    """The folders above a clean path, and its name (empty for `/`)."""
    parts = [part for part in virtual.split("/") if part]
    return parts[:-1], parts[-1] if parts else ""


def unfinished(virtual: str) -> bool:
    """Whether the name, or that of a folder above, says that the file will get another name when it is whole."""
    return any(_UNFINISHED.fullmatch(part.lower()) for part in virtual.split("/") if part)


def engines(virtual: str) -> bool:
    """Whether the path is one of the engine's folders or below it."""
    return virtual.split("/")[1] in ENGINES


def feeds(virtual: str) -> bool:
    """Whether files below the path are feeds once they have their names. Elsewhere folders are renamed as they are."""
    return virtual.split("/")[1] == "in"


def fixed(virtual: str) -> bool:
    """Whether the path is a folder that every home has, or the home itself."""
    return virtual == "/" or virtual.removeprefix("/") in FOLDERS


def hidden(virtual: str) -> bool:
    """Whether nobody sees what is at the path: a part of an upload, or what the engine is building in its folders."""
    parts = [part for part in virtual.split("/") if part]
    built = any(part.startswith(".") and part.endswith(".part") for part in parts)
    return bool(parts) and (is_part(parts[-1]) or (built and parts[0] in ENGINES))


def part_of(name: str, owner: str, token: str) -> str:
    """The part file's name for `name`; `owner` (16 hex digits) is for account and path, `token` (8) for the upload."""
    # Other characters than bytes count, so a long name is cut where its own name would not fit.
    kept = name.encode()[:200].decode(errors="ignore")
    return f".{kept}.{owner}-{token}.part"


def is_part(name: str, owner: str | None = None) -> bool:
    """Whether this is one of our part files (of `owner`, where given)."""
    return bool(_OURS.fullmatch(name)) and (owner is None or name[-30:-14] == owner)
