"""Reads what a document says of exports, and holds it against the entities that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feedengine.profile import keys, read
from feedengine.profile.exports import UUID, Export, ExportFile
from feedengine.profile.place import Place

if TYPE_CHECKING:
    from feedengine.profile.model import EntityDeclaration


def exports(content: Mapping[str, Any], entities: tuple[EntityDeclaration, ...], place: Place) -> tuple[Export, ...]:
    """Every export of a document. Raises ProfileError."""
    return tuple(_export(name, raw, entities, place / name) for name, raw in content.items())


def _export(name: str, raw: Any, entities: tuple[EntityDeclaration, ...], place: Place) -> Export:
    given = read.table(raw, keys.EXPORT, place)
    entity = _entity(given["entity"], entities, place / "entity")
    if entity.fields[0].type != "uuid":
        raise (place / "entity").error(
            f"needs records whose ids are UUIDs: the key of {entity.name}, {entity.key}, is of another type"
        )
    _must_be_path(given["folder"], place / "folder", folders=True)
    for field, _ in given["when"]:
        _field(entity, field, place / "when")
    if not given["files"]:
        raise (place / "files").error("is empty: an export writes at least one file")
    files = tuple(_file(each, entity, entities, place / "files" / n) for n, each in enumerate(given["files"], 1))
    names = [each.name for each in files]
    if len(set(names)) < len(names):
        raise (place / "files").error("has two files of one name")
    return Export(name, given["about"], entity.name, given["folder"].strip("/"), files, given["when"])


def _file(raw: Any, record: EntityDeclaration, entities: tuple[EntityDeclaration, ...], place: Place) -> ExportFile:
    given = read.table(raw, keys.EXPORT_FILE, place)
    _must_be_path(given["name"], place / "name", folders=False)
    other = _entity(given["entity"], entities, place / "entity") if given["entity"] else None
    if given["wait"] and other is None:
        raise (place / "wait").error("is for records of another entity")
    entity = other or record
    for column in given["columns"]:
        _field(entity, column, place / "columns")
    columns = tuple(given["columns"]) or tuple(each.name for each in entity.fields)
    return ExportFile(
        given["name"], columns, given["entity"], _by(other, record, place) if other else (), given["wait"]
    )


def _by(other: EntityDeclaration, record: EntityDeclaration, place: Place) -> tuple[tuple[str, str], ...]:
    """The fields by which another entity refers to the record."""
    for reference in other.spec.get("references", ()):
        if reference["entity"] == record.name:
            return tuple((theirs, ours) for theirs, ours in reference["by"])
    raise (place / "entity").error(f"names {other.name}, which has no reference to {record.name}")


def _entity(name: str, entities: tuple[EntityDeclaration, ...], place: Place) -> EntityDeclaration:
    found = next((each for each in entities if each.name == name), None)
    if found is None:
        raise place.unknown("names no entity", name, [each.name for each in entities])
    return found


def _field(entity: EntityDeclaration, name: str, place: Place) -> None:
    known = [each.name for each in entity.fields]
    if name not in known:
        raise place.unknown(f"names no field of {entity.name}", name, known)


def _must_be_path(text: str, place: Place, *, folders: bool) -> None:
    parts = text.strip("/").split("/")
    odd = any(part in ("", ".", "..") or not part.isprintable() for part in parts)
    if odd or UUID not in parts[-1] or (len(parts) > 1 and not folders):
        what = "a path of folders, the last one" if folders else "the name of a file"
        raise place.error(f"must be {what} with {UUID} in it")
