"""Feed file names: `<key>_<section>_[force]<operation>_<timestamp>.<extension>`, read from the right.

The operation is always the last field but one, because a timestamp holds no underscore while keys and sections may.
A name that does not fit gets its own sentence about the part that is wrong, and the right name where it can be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OPERATIONS = ("sync", "delta", "patchdelta", "patchdeltacreate", "patchdeltaignore", "delete", "whitelist")
#: Of feeds that the engine writes for itself alone: rows that make two records one stand or fall together.
MERGE = "merge"
PUBLISHED_EXTENSIONS = ("csv", "json", "jsonl", "tar.gz", "tar")
OTHER_EXTENSIONS = ("tgz", "csv.gz", "json.gz", "jsonl.gz", "tar.zst", "csv.zst", "json.zst", "jsonl.zst")
MAX_SECTION = 100

_EXTENSIONS = tuple(sorted(PUBLISHED_EXTENSIONS + OTHER_EXTENSIONS, key=len, reverse=True))
_EXTENSION = re.compile(r"\.(" + "|".join(re.escape(each) for each in _EXTENSIONS) + r")$")
_OPERATION = re.compile(r"(force)?(" + "|".join(OPERATIONS) + r")")
_KEY_AND_SECTION = re.compile(r"(key_[A-Za-z0-9]+|[A-Za-z0-9]+)_(.+)", re.DOTALL)
_KEYWORDS = tuple(force + each for each in OPERATIONS for force in ("", "force"))
_FORM = "<key>_<section>_[force]<operation>_<timestamp>.<extension>"
UNFINISHED = (".part", ".filepart", ".tmp", ".partial", ".crdownload", ".uploading")


@dataclass(frozen=True)
class NameWarning:
    """Something odd about a name that is accepted all the same. `code` is stable."""

    code: str
    message: str


@dataclass(frozen=True)
class FeedName:
    """What a file name says. `parsed_time` is UTC and None where the timestamp could not be read.

    A profile's names may leave key and section to the account (empty text), and may say the entity and a number that
    orders the files of one date.
    """

    filename: str
    key: str
    section: str
    operation: str
    force: bool
    timestamp: str
    parsed_time: datetime | None
    extension: str
    warnings: tuple[NameWarning, ...] = ()
    entity: str | None = None
    sequence: int | None = None

    @property
    def catalog(self) -> str:
        """The catalog the feed is for, as `key/section`."""
        return f"{self.key}/{self.section}"


@dataclass(frozen=True)
class BadName:
    """Why a name is refused: the `part` at fault, a sentence, and the name that was probably meant."""

    filename: str
    part: str
    message: str
    did_you_mean: str | None = None
    fault: str | None = None

    @property
    def code(self) -> str:
        """The stable error code of this kind of fault: `fault`, else by the part, for example `NAME_OPERATION`."""
        return self.fault or f"NAME_{self.part.upper()}"


def parse(filename: str, known_keys: Iterable[str] = ()) -> FeedName | BadName:
    """Read a file name (without directories). `known_keys` are the registered keys; the longest that fits wins."""
    fault = check_characters(filename)
    if fault:
        return fault
    extension = _EXTENSION.search(filename)
    if not extension:
        return _bad_extension(filename)
    stem = filename[: extension.start()]
    head, _, timestamp = stem.rpartition("_")
    prefix, _, keyword = head.rpartition("_")
    operation = _OPERATION.fullmatch(keyword)
    if not operation or not timestamp:
        return _bad_operation(filename, stem, extension[0])
    split = _split_key(prefix, known_keys)
    if split is None:
        return _bad_key(filename, prefix)
    key, section = split
    if len(section) > MAX_SECTION:
        message = f"the section is {len(section)} characters long; at most {MAX_SECTION} are allowed"
        return BadName(filename, "section", message)
    when = parse_timestamp(timestamp)
    warnings = tuple(_oddities(section, timestamp, when, extension[1]))
    return FeedName(
        filename, key, section, operation[2], operation[1] is not None, timestamp, when, extension[1], warnings
    )


def build(key: str, section: str, operation: str, when: datetime, *, force: bool = False, ext: str = "tar.gz") -> str:
    """Write the name a feed should have; `when` is printed in UTC."""
    stamp = when.astimezone(UTC).strftime("%Y-%m-%d-%H-%M-%S")
    return f"{key}_{section}_{'force' if force else ''}{operation}_{stamp}.{ext}"


_STAMPS = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "%Y-%m-%d"),
    (re.compile(r"\d{4}-\d\d-\d\d-\d\d-\d\d"), "%Y-%m-%d-%H-%M"),
    (re.compile(r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"), "%Y-%m-%d-%H-%M-%S"),
    (re.compile(r"\d{8}"), "%Y%m%d"),
    (re.compile(r"\d{14}"), "%Y%m%d%H%M%S"),
)
_ISO = re.compile(r"\d{4}-?\d\d-?\d\d[T ].+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_timestamp(text: str) -> datetime | None:
    """Read a timestamp in any accepted form as UTC; a form without a zone is taken as UTC. None where unreadable."""
    try:
        if re.fullmatch(r"\d{10}", text, re.ASCII):
            return _EPOCH + timedelta(seconds=int(text))
        if re.fullmatch(r"\d{13}", text, re.ASCII):
            return _EPOCH + timedelta(milliseconds=int(text))
        for pattern, form in _STAMPS:
            if pattern.fullmatch(text):
                return datetime.strptime(text, form).replace(tzinfo=UTC)
        if _ISO.fullmatch(text):
            when = datetime.fromisoformat(text)
            return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return None


def _split_key(prefix: str, known_keys: Iterable[str]) -> tuple[str, str] | None:
    fitting = [key for key in known_keys if prefix.startswith(key + "_") and len(prefix) > len(key) + 1]
    if fitting:
        key = max(fitting, key=len)
        return key, prefix[len(key) + 1 :]
    match = _KEY_AND_SECTION.fullmatch(prefix)
    # "key" alone is the beginning of every key: the field after it belongs to the key, and the section is missing.
    return (match[1], match[2]) if match and match[1] != "key" else None


def _oddities(section: str, timestamp: str, when: datetime | None, extension: str) -> Iterable[NameWarning]:
    if when is None:
        yield NameWarning(
            "TIMESTAMP_UNPARSED",
            f'the timestamp "{timestamp}" is not in a known form; it is kept as it is and orders nothing',
        )
    if extension in OTHER_EXTENSIONS:
        yield NameWarning(
            "NONSTANDARD_EXTENSION", f".{extension} is read, but the published extensions are {_listed()}"
        )
    if section.endswith("_force"):
        yield NameWarning(
            "FORCE_IN_SECTION",
            f'the section reads "{section}": force is glued to the operation (forcesync), it is not a field of its own',
        )


def _listed() -> str:
    return ", ".join("." + each for each in PUBLISHED_EXTENSIONS)


def check_characters(filename: str) -> BadName | None:
    """Whether every name is refused that looks like this one: empty, too long, with control characters."""
    if not filename:
        return BadName(filename, "form", f"the name is empty; a feed is called {_FORM}")
    if "/" in filename or "\\" in filename:
        return BadName(filename, "form", "a feed's name holds no / and no \\")
    if any(ord(char) < 32 or ord(char) == 127 for char in filename):
        return BadName(filename, "form", "the name holds a control character")
    if len(filename.encode("utf-8", "surrogateescape")) > 255:
        return BadName(filename, "form", "the name is longer than 255 bytes")
    return None


def _bad_extension(filename: str) -> BadName:
    lower = filename.lower()
    for suffix in UNFINISHED:
        if lower.endswith(suffix):
            message = f"{suffix} marks an upload that is not finished; wait until it is renamed"
            return BadName(filename, "extension", message, filename[: -len(suffix)])
    if lower.endswith(".zip"):
        message = "zip archives are not accepted; pack the files with tar and gzip"
        return BadName(filename, "extension", message, filename[:-4] + ".tar.gz")
    match = _EXTENSION.search(lower)
    if match:
        message = "the extension must be in lower case"
        return BadName(filename, "extension", message, filename[: match.start()] + match[0])
    last = filename.rpartition(".")[2] if "." in filename else ""
    if not last or "_" in last:
        return BadName(filename, "extension", f"there is no extension; it must be one of {_listed()}")
    return BadName(filename, "extension", f".{last} is no feed format; it must be one of {_listed()}")


def _bad_operation(filename: str, stem: str, extension: str) -> BadName:
    fields = stem.split("_")
    keyword_at = max((at for at, each in enumerate(fields) if _OPERATION.fullmatch(each)), default=-1)
    before = fields[:keyword_at]
    if keyword_at >= 0:
        after = fields[keyword_at + 1 :]
        if not any(after):
            message = f'the timestamp after "{fields[keyword_at]}" is missing, for example 2026-11-21-02-00-00'
            return BadName(filename, "timestamp", message)
        if after[0].lower() == "force":
            glued = "force" + fields[keyword_at].removeprefix("force")
            right = "_".join([*before, glued, *after[1:]]) + extension if any(after[1:]) else None
            message = f'force is glued to the operation: write "{glued}", not a field of its own'
            return BadName(filename, "force", message, right)
        if len(after) > 1 and all(re.fullmatch(r"[0-9A-Za-z:.-]+", each) for each in after):
            right = "_".join([*fields[: keyword_at + 1], "-".join(after)]) + extension
            message = "the timestamp must not hold underscores; write it with hyphens"
            return BadName(filename, "timestamp", message, right)
    if len(fields) < 4:
        message = f"{len(fields)} of 4 fields separated by underscores; a feed is called {_FORM}"
        return BadName(filename, "form", message)
    return _unknown_operation(filename, fields, extension)


def _unknown_operation(filename: str, fields: list[str], extension: str) -> BadName:
    from difflib import get_close_matches

    keyword = fields[-2]
    lower = keyword.lower()
    close = [lower] if _OPERATION.fullmatch(lower) else get_close_matches(lower, _KEYWORDS, 1, 0.7)
    right = "_".join([*fields[:-2], close[0], fields[-1]]) + extension if close else None
    if close and close[0] == lower:
        return BadName(filename, "operation", f'the operation must be in lower case: "{lower}", not "{keyword}"', right)
    message = f'"{keyword}" is no operation; it must be one of {", ".join(OPERATIONS)}, or one of them after "force"'
    return BadName(filename, "operation", message, right)


def _bad_key(filename: str, prefix: str) -> BadName:
    if "_" not in prefix or prefix.endswith("_") or re.fullmatch(r"key_[A-Za-z0-9]+", prefix):
        missing = "the section between the key and the operation is missing"
        return BadName(filename, "section", f"{missing}; a feed is called {_FORM}")
    return BadName(filename, "key", "the key before the section must be letters and digits, or key_ and those")
