"""File names by a profile's grammar: which entity, date and number a name says, or which part of it is wrong."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from feedengine import names
from feedengine.names import BadName, FeedName
from feedengine.profile import forms
from feedengine.profile.model import EntityDeclaration, Profile
from feedengine.profile.place import Place

_ANYTHING = {"entity": r".+?", "date": r"[0-9][0-9 ._-]*", "time": r"[0-9][0-9 ._-]*", "operation": r"[A-Za-z]+"}


@dataclass(frozen=True)
class _Grammar:
    """A form as expressions: what fits, and what was probably meant to."""

    right: re.Pattern[str]
    loose: re.Pattern[str]
    fields: dict[str, str]


def parse_name(
    profile: Profile, path: str, known_keys: Iterable[str] = (), *, placed: bool = False
) -> FeedName | BadName:
    """What a file's name says. `path` is relative to the account's home, or a bare name.

    Folders count where there are any; with `placed` a file without a folder is in the wrong one too, where its entity
    has one.
    """
    folder, _, filename = path.rpartition("/")
    folder = folder.strip("/")
    if profile.naming.grammar == "constructor":
        return names.parse(filename, known_keys)
    fault = names.check_characters(filename) or _unfinished(filename)
    if fault:
        return fault
    grammar = _grammar(profile)
    match = grammar.right.fullmatch(filename)
    if not match:
        return _explained(profile, grammar, filename, folder)
    values = match.groupdict()
    entity = _entity(profile, values.get("entity"), folder)
    if isinstance(entity, str):
        return BadName(filename, "folder", entity, fault="WRONG_FOLDER")
    when = _time(grammar, values)
    if isinstance(when, str):
        return BadName(filename, "date", when)
    wrong = _misplaced(profile, entity, filename, folder, placed)
    if wrong:
        return wrong
    if not entity.enabled:
        message = f"files of {entity.name} are not taken from this account: the profile {profile.name} has it disabled"
        return BadName(filename, "entity", message, fault="ENTITY_DISABLED")
    return FeedName(
        filename=filename,
        key="",
        section="",
        operation=values.get("operation") or entity.operation,
        force=bool(values.get("force")),
        timestamp="_".join(values[each] for each in ("date", "time") if values.get(each)),
        parsed_time=when,
        extension=values["ext"],
        entity=entity.name,
        sequence=int(values["seq"]) if values.get("seq") else None,
    )


def example(profile: Profile, entity: EntityDeclaration, when: datetime, extension: str | None = None) -> str:
    """The name a file of the entity should have; `when` is printed in UTC. Parts that may be missing are."""
    if profile.naming.grammar == "constructor":
        return names.build("KEY", "SECTION", entity.operation, when, ext=extension or "tar.gz")
    written = when.astimezone(UTC)
    made = []
    for part in forms.split(profile.naming.form, Place(profile.source)):
        if part.depth or part.kind in "[]":
            continue
        if part.kind in ("date", "time"):
            made.append(_written(part.text, written, part.kind == "time"))
        else:
            fixed = {"entity": entity.words[0], "seq": "1", "operation": entity.operation, "force": "", "text": "x"}
            made.append(
                extension or profile.naming.extensions[0] if part.kind == "ext" else fixed.get(part.kind, part.text)
            )
    return "".join(made)


def _unfinished(filename: str) -> BadName | None:
    for suffix in names.UNFINISHED:
        if filename.lower().endswith(suffix):
            message = f"{suffix} marks an upload that is not finished; wait until it is renamed"
            return BadName(filename, "extension", message, filename[: -len(suffix)])
    return None


@lru_cache(maxsize=64)
def _grammar(profile: Profile) -> _Grammar:
    naming = profile.naming
    words = [word for each in profile.entities for word in each.words]
    known: dict[str, str] = {
        "entity": _any_of(words),
        "seq": r"[0-9]{1,9}",
        "operation": _any_of(names.OPERATIONS),
        "force": "force",
        "text": r".+?",
        "ext": _any_of(naming.extensions),
    }
    right, loose, fields = [], [], {}
    for part in forms.split(naming.form, Place(profile.source)):
        if part.kind == "plain":
            right.append(re.escape(part.text))
            loose.append(re.escape(part.text))
        elif part.kind in "[]":
            for each in (right, loose):
                each.append("(?:" if part.kind == "[" else ")?")
        else:
            fields[part.kind] = part.text
            exact = known.get(part.kind) or _digits(part.text, part.kind == "time")
            right.append(f"(?P<{part.kind}>{exact})")
            loose.append(f"(?P<{part.kind}>{_ANYTHING.get(part.kind, exact)})")
    flags = re.IGNORECASE if naming.case == "any" else 0
    return _Grammar(
        re.compile("".join(right), flags | re.ASCII), re.compile("".join(loose), re.IGNORECASE | re.ASCII), fields
    )


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(each) for each in sorted(set(words), key=len, reverse=True))


def _digits(form: str, time: bool = False) -> str:
    return "".join(
        rf"[0-9]{{{len(each)}}}" if each in ("YYYY", "YY", "MM", "DD", "HH", "SS") else re.escape(each)
        for each in forms.words(form, time)
    )


def _written(form: str, when: datetime, time: bool) -> str:
    codes = {"YYYY": "%Y", "YY": "%y", "DD": "%d", "HH": "%H", "SS": "%S", "MM": "%M" if time else "%m"}
    return "".join(when.strftime(codes[each]) if each in codes else each for each in forms.words(form, time))


def _time(grammar: _Grammar, values: dict[str, str | None]) -> datetime | str | None:
    """The moment that a name says, as UTC; or a sentence about why there is no such moment."""
    date = _numbers(grammar.fields.get("date", ""), values.get("date"))
    time = _numbers(grammar.fields.get("time", ""), values.get("time"), time=True)
    if not date:
        return None
    year = date["YYYY"] if "YYYY" in date else 2000 + date["YY"]
    month, day = date["MM"], date["DD"]
    if not 1 <= month <= 12:
        return f'"{values["date"]}" is no date: there is no month {month:02}'
    if year < 1:
        return f'"{values["date"]}" is no date: there is no year {year:04}'
    days = monthrange(year, month)[1]
    if not 1 <= day <= days:
        return f'"{values["date"]}" is no date: {datetime(year, month, 1):%B} {year} has {days} days'
    hour, minute, second = time.get("HH", 0), time.get("MM", 0), time.get("SS", 0)
    if hour > 23 or minute > 59 or second > 59:
        return f'"{values["time"]}" is no time of day'
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _numbers(form: str, text: str | None, time: bool = False) -> dict[str, int]:
    found, at = {}, 0
    for each in forms.words(form, time) if text else ():
        if each[0] in "YMDHS":
            found[each] = int((text or "")[at : at + len(each)])
        at += len(each)
    return found


def _folded(profile: Profile) -> Callable[[str], str]:
    return str.casefold if profile.naming.case == "any" else str


def _entity(profile: Profile, word: str | None, folder: str) -> EntityDeclaration | str:
    fold = _folded(profile)
    if word is not None:
        return next(each for each in profile.entities if fold(word) in map(fold, each.words))
    if len(profile.entities) == 1:
        return profile.entities[0]
    found = _of_folder(profile, folder)
    return found or f"its folder must say what it is: one of {_folders(profile)}"


def _of_folder(profile: Profile, folder: str) -> EntityDeclaration | None:
    fold = _folded(profile)
    fitting = [
        each
        for each in profile.entities
        if each.folder and (fold(folder) == fold(each.folder) or fold(folder).endswith("/" + fold(each.folder)))
    ]
    return max(fitting, key=lambda each: len(each.folder or ""), default=None)


def _folders(profile: Profile) -> str:
    return ", ".join(f"{each.folder}/" for each in profile.entities if each.folder)


def _misplaced(profile: Profile, entity: EntityDeclaration, filename: str, folder: str, must: bool) -> BadName | None:
    if entity.folder is None or (not folder and not must):
        return None
    place = _of_folder(profile, folder) if folder else None
    if place is entity:
        return None
    where = f"{folder}/, which is for {place.name}" if place else f"{folder}/" if folder else "no folder"
    message = f"this is a file of {entity.name}: it belongs in {entity.folder}/, and it lies in {where}"
    return BadName(filename, "folder", message, f"{entity.folder}/{filename}", fault="WRONG_FOLDER")


def _explained(profile: Profile, grammar: _Grammar, filename: str, folder: str) -> BadName:
    """Why a name does not fit: the first part that is wrong, and the name that was probably meant."""
    naming = profile.naming
    extension = next((each for each in naming.extensions if filename.lower().endswith("." + each.lower())), None)
    if extension is None:
        last = filename.rpartition(".")[2] if "." in filename else ""
        what = f".{last} is no format that is taken here" if last else "there is no extension"
        listed = ", ".join("." + each for each in naming.extensions)
        return BadName(filename, "extension", f"{what}; it must be one of {listed}")
    match = grammar.loose.fullmatch(filename)
    if match is None:
        return BadName(filename, "form", f"{_called(profile, folder)}")
    values = match.groupdict()
    if "entity" in grammar.fields and (wrong := _wrong_entity(profile, values["entity"], filename, match)):
        return wrong
    form = grammar.fields.get("date")
    if form and values.get("date") and not re.fullmatch(_digits(form), values["date"], re.ASCII):
        called = _called(profile, folder, values.get("entity"))
        return BadName(filename, "date", f'"{values["date"]}" is not written as {form}; {called}')
    if values["ext"] not in naming.extensions:
        right = filename[: match.start("ext")] + extension
        return BadName(filename, "extension", f"the extension must be written .{extension}", right)
    return BadName(filename, "form", _called(profile, folder))


def _wrong_entity(profile: Profile, word: str, filename: str, match: re.Match[str]) -> BadName | None:
    from difflib import get_close_matches

    words = [each for entity in profile.entities for each in entity.words]
    fold = _folded(profile)
    if fold(word) in map(fold, words):
        return None
    folded = {each.casefold(): each for each in words}
    close = get_close_matches(word.casefold(), folded, 1, 0.6)
    right = filename[: match.start("entity")] + folded[close[0]] + filename[match.end("entity") :] if close else None
    first = ", ".join(entity.words[0] for entity in profile.entities)
    return BadName(filename, "entity", f'"{word}" is no entity; names begin with one of {first}', right)


def _called(profile: Profile, folder: str, word: str | None = None) -> str:
    entity = _of_folder(profile, folder) or profile.entities[0]
    if word:
        fold = _folded(profile)
        entity = next((each for each in profile.entities if fold(word) in map(fold, each.words)), entity)
    shown = example(profile, entity, datetime(2024, 9, 18, tzinfo=UTC))
    return f"a file is called {profile.naming.form}, for example {shown}"
