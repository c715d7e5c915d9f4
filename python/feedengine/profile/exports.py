"""What a profile says of exports: which records of an entity are sent, in which folder, as which files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportFile:
    """A file of an exported record. `{uuid}` in its name is the record's key.

    `columns` are the entity's fields in their order; empty: all that are declared. With `rows`, a field that holds a JSON
    list of objects, each object is a row: `columns` are then members of the objects, and the record's own key comes
    first, in the column that the entity calls it.
    """

    name: str
    columns: tuple[str, ...] = ()
    rows: str = ""


@dataclass(frozen=True)
class Export:
    """`[exports.NAME]`: records of `entity` for which each field in `when` has one of its values (none: all of them).

    `folder` is where the files of a record lie, with `{uuid}` in its last part.
    """

    name: str
    entity: str
    folder: str
    files: tuple[ExportFile, ...]
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
