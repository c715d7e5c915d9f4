"""What a profile says of exports: which records of an entity are sent, in which folder, as which files."""

from __future__ import annotations

from dataclasses import dataclass

UUID = "{uuid}"


@dataclass(frozen=True)
class ExportFile:
    """A file of an exported record. `{uuid}` in its name is the record's key, `columns` are fields in their order.

    It holds the record itself, or with `entity` all records of that one which refer to it: `by` are pairs of a field of
    theirs and one of the record's, of which the first that has a value counts. With `wait` nothing is sent before there
    is one.
    """

    name: str
    columns: tuple[str, ...]
    entity: str | None = None
    by: tuple[tuple[str, str], ...] = ()
    wait: bool = False


@dataclass(frozen=True)
class Export:
    """`[exports.NAME]`: records of `entity` for which each field in `when` has one of its values (none: all of them).

    `folder` is where the files of a record lie, with `{uuid}` in its last part.
    """

    name: str
    about: str
    entity: str
    folder: str
    files: tuple[ExportFile, ...]
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def entities(self) -> tuple[str, ...]:
        """Every entity whose changes can complete a record."""
        return tuple(dict.fromkeys([self.entity, *(each.entity for each in self.files if each.entity)]))
