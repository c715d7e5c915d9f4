"""Templates that a partner fills in: a header and an example as CSV or XLSX, or a guide in words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from feedengine.deliver import workbook
from feedengine.errors import UsageError, from_os_error
from feedengine.profile import EntityDeclaration, Profile, guide, naming

FORMATS = ("csv", "xlsx", "guide")


def text(profile: Profile, entity: EntityDeclaration, *, example: bool = True) -> str:
    """Header and example row as CSV, with the entity's delimiter. Raises UsageError for entities that are no tables."""
    _must_be_table(profile, entity)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=entity.delimiter or ",", lineterminator="\r\n")
    writer.writerow([field.heading for field in entity.fields])
    if example:
        writer.writerow([guide.example(entity, field) for field in entity.fields])
    return stream.getvalue()


def lines(profile: Profile, entity: EntityDeclaration) -> Iterator[str]:
    """The guide: how the file is named and placed, its version, each column."""
    shown = naming.example(profile, entity, datetime(2026, 11, 21, tzinfo=UTC))
    yield f"{entity.name}: {entity.about or 'no description'}"
    yield f"profile {profile.name}, template version {profile.version}"
    yield f"file name: {profile.naming.form}, for example {shown}"
    if entity.folder:
        yield f"folder: {entity.folder}/"
    yield from _format(entity)
    strict = (entity.spec.get("columns") or {}).get("order") == "strict"
    yield (
        "columns: all of these, in this order"
        if strict
        else "columns: in any order; those that are not required may be left out"
    )
    for number, field in enumerate(entity.fields, 1):
        made = (
            "made by the engine: empty for a new record, its id for a known one"
            if guide.made_by_engine(entity, field)
            else ""
        )
        value = guide.example(entity, field)
        about = made or guide.described(profile, entity, field)
        yield f"{number:>3}  {field.heading}: {about}{f' Example: {value}' if value else ''}"


def _format(entity: EntityDeclaration) -> Iterator[str]:
    form = entity.format or {}
    if "encoding" in form:
        yield f"encoding: {form['encoding']}"
    if entity.delimiter:
        yield f"delimiter: {entity.delimiter}"
    if "xml" in form:
        yield f"XML: a record is {form['xml']['record']}"
    for record in form.get("fixed", {}).get("records", ()):
        for each in record["fields"]:
            last = each["start"] + each["length"] - 1
            yield f"positions {each['start']} to {last}: {each['name']}"


def write(profile: Profile, entity: EntityDeclaration, path: Path, form: str, *, example: bool = True) -> None:
    """Write the template to `path`, which appears only when it is whole. Raises UsageError, FeedEngineError."""
    if form == "xlsx":
        _must_be_table(profile, entity)
        workbook.write(
            path, _sheet(entity), _columns(profile, entity), _rows(entity, example), list(lines(profile, entity))
        )
        return
    encoding = (entity.format or {}).get("encoding", "utf-8")
    content = text(profile, entity, example=example) if form == "csv" else "\n".join(lines(profile, entity)) + "\n"
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content.encode(encoding if form == "csv" else "utf-8"))
        part.replace(path)
    except UnicodeEncodeError as error:
        raise UsageError(f"{entity.name}: {error.object[error.start]!r} cannot be written in {encoding}.") from None
    except OSError as error:
        part.unlink(missing_ok=True)
        raise from_os_error(error, f"write {path}") from error


def _must_be_table(profile: Profile, entity: EntityDeclaration) -> None:
    for form, words in (("xml", "XML"), ("fixed", "lines of fixed width")):
        if form in (entity.format or {}):
            raise UsageError(
                f"Files of {entity.name} are {words} in the profile {profile.name}: they have no template.",
                hints=[
                    {
                        "text": "Say in words what they hold",
                        "argv": [
                            "feedengine",
                            "template",
                            entity.name,
                            "--profile",
                            profile.source,
                            "--format",
                            "guide",
                        ],
                    }
                ],
            )


def _sheet(entity: EntityDeclaration) -> str:
    declared = (entity.format or {}).get("sheet") or {}
    return str(declared.get("name") or entity.name)[:31]


def _columns(profile: Profile, entity: EntityDeclaration) -> list[workbook.Column]:
    return [
        workbook.Column(
            field.heading,
            field.required,
            guide.allowed(field) if field.type == "enum" else (),
            guide.described(profile, entity, field),
        )
        for field in entity.fields
    ]


def _rows(entity: EntityDeclaration, example: bool) -> list[list[str]]:
    return [[guide.example(entity, field) for field in entity.fields]] if example else []
