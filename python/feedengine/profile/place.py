"""Where in a profile something stands: errors name the file, the path of the key, and the nearest known name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from feedengine.errors import Hint, ProfileError


@dataclass(frozen=True)
class Place:
    """A table or key: the profile's `source` (file or built-in name) and the keys that lead to it."""

    source: str
    path: tuple[str, ...] = ()

    def __truediv__(self, key: str | int) -> Place:
        return Place(self.source, (*self.path, str(key)))

    def __str__(self) -> str:
        return ".".join(_quoted(each) for each in self.path) or "the profile"

    def error(self, what: str) -> ProfileError:
        """`what` continues a sentence that begins with this place."""
        return ProfileError(
            f"{self.source}: {self} {what}{'' if what.endswith('?') else '.'}",
            state="The profile is not used; nothing was changed.",
            hints=[Hint("Every key is explained in docs/profiles.md; check again with", _check(self.source))],
        )

    def unknown(self, what: str, name: str, known: Iterable[str]) -> ProfileError:
        """A name that is none of `known`: the nearest one is proposed, or all are listed."""
        from difflib import get_close_matches

        allowed = list(known)
        close = get_close_matches(name, allowed, 1, 0.6) or get_close_matches(name.lower(), allowed, 1, 0.6)
        listed = f"known are {', '.join(allowed)}" if allowed else "there are none"
        return self.error(f'{what} "{name}"; ' + (f'did you mean "{close[0]}"?' if close else listed))


def _quoted(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else f'"{key}"'


def _check(source: str) -> tuple[str, ...]:
    return ("feedengine", "profile", "check", source)
