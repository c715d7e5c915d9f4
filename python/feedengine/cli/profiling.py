"""What the commands `profile` and `template` do: profiles as documents, templates as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine import profile as profiles
from feedengine.errors import Hint, UsageError, from_os_error

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.profile import EntityDeclaration, Profile


def load(named: str) -> Profile:
    """A profile by name or path. Raises ProfileError."""
    return profiles.load(named)


def chosen(session: Session, named: str | None, catalog: str | None) -> Profile:
    """The profile that is named, else that of the catalog, else that of all catalogs."""
    return profiles.load(named or session.settings.profile(catalog))


def entity_of(made: Profile, name: str) -> EntityDeclaration:
    """An entity by name, or by a word of its file names. Raises UsageError."""
    for each in made.entities:
        if name == each.name or name in each.words:
            return each
    listed = ", ".join(each.name for each in made.entities)
    raise UsageError(
        f'The profile {made.name} has no entity "{name}"; it has {listed}.',
        hints=[Hint("Show the profile", ("feedengine", "profile", "show", made.source))],
    )


def overview(session: Session) -> list[dict[str, Any]]:
    """Built-in profiles, then those that the settings name, each with the catalogs that use it."""
    settings = session.settings
    used: dict[str, list[str]] = {}
    for catalog in settings.catalogs:
        used.setdefault(settings.profile(catalog), []).append(catalog)
    named = dict.fromkeys([*profiles.BUILTIN, settings.profile(), *used])
    return [{**summary(profiles.load(each)), "catalogs": sorted(used.get(each, []))} for each in named]


def summary(made: Profile) -> dict[str, Any]:
    """A profile in a few words."""
    return {
        "name": made.name,
        "about": made.about,
        "version": made.version,
        "source": made.source,
        "builtin": made.source in profiles.BUILTIN,
        "digest": made.digest,
        "entities": [each.name for each in made.entities],
    }


def document(made: Profile, one: EntityDeclaration | None) -> dict[str, Any]:
    """All of a profile, or of one entity of it, with what the engine is given."""
    entities = [one] if one else list(made.entities)
    return {
        "schema": "feedengine.profile/1",
        **summary(made),
        "naming": vars(made.naming),
        "order": list(made.order),
        "settings": made.settings(),
        "lists": [{**vars(each), "words": list(each.words), "known": each.is_known} for each in made.lists],
        "entities": [_entity(each) for each in entities],
    }


def _entity(entity: EntityDeclaration) -> dict[str, Any]:
    return {
        "name": entity.name,
        "about": entity.about,
        "enabled": entity.enabled,
        "files": list(entity.words),
        "folder": entity.folder,
        "operation": entity.operation,
        "cadence_seconds": entity.cadence,
        "park_seconds": entity.park_for,
        "owner": entity.owner_column,
        "format": entity.format,
        "delimiter": entity.delimiter,
        "engine": entity.spec,
    }


def template(session: Session, made: Profile, name: str, form: str | None, out: Path | None, *, example: bool) -> int:
    """Write a template to `out`, or to stdout where it is text."""
    from feedengine.deliver import template as templates

    entity = entity_of(made, name)
    by_name = out.suffix.lower().removeprefix(".") if out else ""
    form = form or (by_name if by_name in templates.FORMATS else "csv")
    if form not in templates.FORMATS:
        raise UsageError(f'"{form}" is no format of templates; it must be one of {", ".join(templates.FORMATS)}.')
    if out is None and form == "xlsx":
        raise UsageError("A workbook cannot be printed: say where it goes with --out FILE.xlsx.")
    facts = {"profile": made.name, "version": made.version, "entity": entity.name, "format": form}
    if out is not None:
        templates.write(made, entity, out, form, example=example)
        document = {"schema": "feedengine.template/1", **facts, "file": str(out)}
        session.out.show(document, [f"{out}: template of {entity.name}, version {made.version} of {made.name}"])
        return 0
    content = (
        "\n".join(templates.lines(made, entity)) if form == "guide" else templates.text(made, entity, example=example)
    )
    document = {"schema": "feedengine.template/1", **facts, "text": content}
    session.out.show(document, content.splitlines())
    return 0


def infer(session: Session, sample: Path, name: str | None, out: Path | None) -> int:
    """Draft a profile from a sample; to `out`, else to stdout."""
    from feedengine.profile import infer as drafting

    draft = drafting.draft(sample, name)
    document = {
        "schema": "feedengine.profile-draft/1",
        "sample": str(sample),
        "uncertain": list(draft.uncertain),
        "profile": draft.text,
        "file": str(out) if out else None,
    }
    if out is None:
        session.out.show(document, draft.text.splitlines())
        return 0
    try:
        out.write_text(draft.text, encoding="utf-8")
    except OSError as error:
        raise from_os_error(error, f"write {out}") from error
    lines = [f"{out}: {draft.fields} fields from {draft.rows} rows"]
    lines += [f"  to be decided: {each}" for each in draft.uncertain]
    session.out.show(document, [*lines, f"  next: feedengine profile check {out}"])
    return 0
