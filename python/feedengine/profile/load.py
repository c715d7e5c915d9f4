"""From a name or a file to a `Profile`: built-ins, `extends`, and one reading of all of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from feedengine.errors import ProfileError
from feedengine.profile.assemble import assemble
from feedengine.profile.model import Profile
from feedengine.profile.place import Place

BUILTIN = ("constructor", "wizcommerce")
DEFAULT = "constructor"
_FOLDER = Path(__file__).parent / "builtin"
_DEEPEST = 8
_LARGEST = 4 << 20


def load(name_or_path: str | Path) -> Profile:
    """The profile of that name, or in that file. Raises ProfileError with file and key of what is wrong."""
    named = str(name_or_path)
    if named in BUILTIN:
        return _builtin(named)
    path = Path(name_or_path)
    return _read(_text(path, named), str(path), path.parent, 0)


def loads(text: str, source: str = "profile.toml", folder: Path | None = None) -> Profile:
    """A profile from its text; `folder` is where a path in `extends` begins."""
    return _read(text, source, folder or Path(), 0)


@cache
def _builtin(name: str) -> Profile:
    return assemble(_document(_packaged(name), name, Path(), 0), Place(name))


def _packaged(name: str) -> str:
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def _read(text: str, source: str, folder: Path, depth: int) -> Profile:
    return assemble(_document(text, source, folder, depth), Place(source))


def _document(text: str, source: str, folder: Path, depth: int) -> dict[str, Any]:
    """The document with those it extends under it."""
    try:
        # As text, so that 0.10 stays what was written.
        document = tomllib.loads(text, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source} is not valid TOML: {error}.", state="The profile is not used.") from None
    _find_files(document, folder)
    base = document.get("extends")
    if base is None:
        return document
    if not isinstance(base, str) or not base:
        raise (Place(source) / "extends").error("must be the name or the path of a profile")
    if depth == _DEEPEST:
        raise (Place(source) / "extends").error("leads in a circle, or too far")
    if base in BUILTIN:
        below = _document(_packaged(base), base, Path(), depth + 1)
    else:
        path = folder / base
        below = _document(_text(path, base), str(path), path.parent, depth + 1)
    return _laid_over(below, document)


def _find_files(document: dict[str, Any], folder: Path) -> None:
    """Paths of lists begin where the profile that names them is, whoever extends it."""
    lists = document.get("lists")
    for each in lists.values() if isinstance(lists, Mapping) else ():
        if isinstance(each, dict) and isinstance(each.get("file"), str) and each["file"]:
            each["file"] = str(folder / each["file"])


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _laid_over(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return merged


def _text(path: Path, named: str) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ProfileError(
            f'There is no profile "{named}": it is neither a file nor one of {", ".join(BUILTIN)}.',
            state="Nothing was changed.",
            hints=[{"text": "List the profiles that ship with the engine", "argv": ["feedengine", "profile", "list"]}],
        ) from None
    except OSError as error:
        raise ProfileError(f"Could not read {path}: {error.strerror}.", state="Nothing was changed.") from None
    if len(content) > _LARGEST:
        raise ProfileError(f"{path} is larger than 4 MiB: that is no profile.", state="Nothing was changed.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path} is not UTF-8 (byte {error.start}).", state="Nothing was changed.") from None
