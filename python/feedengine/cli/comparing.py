"""Comparing files and snapshots: what `diff` and `snapshot diff` do."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli import changes
from feedengine.cli.changes import Change
from feedengine.cli.render import diff as render
from feedengine.cli.session import check_entity
from feedengine.errors import ExitCode, FeedRejected, Hint, UsageError
from feedengine.profile import DEFAULT

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.store.entities import Entities

_KINDS = ("added", "changed", "removed")
_SHOWN_IN_TABLE = 20
_LISTED_IN_JSON = 100
_SNAPSHOT = re.compile(r"(?:(?P<catalog>[^@]+/[^@]+)@|snapshot:)?(?P<number>\d+)")


@dataclass(frozen=True)
class Comparison:
    """How to show a comparison."""

    form: str = "table"
    fields: tuple[str, ...] = ()
    limit: int | None = None
    only: str | None = None
    entity: str | None = None
    catalog: str | None = None
    detailed: bool = False
    profile: str | None = None


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a file, or a snapshot of a catalog (None = the one of `--catalog`)."""

    named: str
    file: Path | None = None
    snapshot: int | None = None
    catalog: str | None = None


def side(named: str) -> Side:
    """Understand one side. A file that exists wins over a number. Raises UsageError."""
    if Path(named).is_file():
        return Side(named, file=Path(named))
    match = _SNAPSHOT.fullmatch(named)
    if match:
        return Side(named, snapshot=int(match["number"]), catalog=match["catalog"])
    raise UsageError(
        f'"{named}" is no file and no snapshot: write a path, a number, snapshot:N or key/section@N.',
        hints=[Hint("List snapshots", ("feedengine", "snapshot", "list"))],
    )


def compare(session: Session, a: str, b: str, how: Comparison) -> int:
    """Show what differs; gives the exit code."""
    if how.form not in render.FORMATS:
        raise UsageError(f'--format must be one of {", ".join(render.FORMATS)}; not "{how.form}".')
    if how.only not in (None, "added", "changed", "removed"):
        raise UsageError(f'--only must be added, changed or removed; not "{how.only}".')
    old, new = side(a), side(b)
    how = replace(how, limit=_most(how, session.out.machine))
    sums = _Sums()
    shown = _limited(_counted(_found(session, old, new, how, sums), sums), how.limit)
    if session.out.machine:
        listed = [change.as_dict() for change in shown]
        document = {"schema": "feedengine.diff/1", "a": a, "b": b, "entities": _plain(sums.tally)}
        session.out.json({**document, "shown": len(listed), "changes": listed})
    else:
        for line in render.lines(shown, how.form):
            session.out.data(line)
        _finish(session, sums.tally, a, b, how)
    differs = any(sum(each.values()) for each in sums.tally.values())
    return int(ExitCode.CHANGES if how.detailed and differs else ExitCode.DONE)


def _finish(session: Session, tally: dict[str, Counter[str]], a: str, b: str, how: Comparison) -> None:
    lines = render.counts(_plain(tally), a, b)
    if how.form == "table":
        for line in ["", *lines]:
            session.out.data(line)
    else:
        session.out.talk(lines)


def _plain(tally: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {entity: {kind: each[kind] for kind in _KINDS} for entity, each in tally.items()}


@dataclass
class _Sums:
    """How many records differ, by entity: counted as they pass, or told where not all of them need to."""

    tally: dict[str, Counter[str]] = field(default_factory=dict)
    told: bool = False


def _counted(found: Iterable[Change], sums: _Sums) -> Iterator[Change]:
    for change in found:
        if not sums.told:
            sums.tally.setdefault(change.entity, Counter())[change.kind] += 1
        yield change


def _most(how: Comparison, machine: bool) -> int | None:
    """How many changes are shown."""
    if how.limit is not None:
        return how.limit
    return _LISTED_IN_JSON if machine else _SHOWN_IN_TABLE if how.form == "table" else None


def _limited(found: Iterable[Change], limit: int | None) -> Iterator[Change]:
    """The first changes; the rest is read on, so that all are counted."""
    for at, change in enumerate(found):
        if limit is None or at < limit:
            yield change


def _found(session: Session, old: Side, new: Side, how: Comparison, sums: _Sums) -> Iterator[Change]:
    if old.file is not None and new.file is not None:
        raw = _files(session, old.file, new.file, how, sums)
    elif old.snapshot is not None and new.snapshot is not None:
        raw = _snapshots(session, old, new, how)
    else:
        raw = _mixed(session, old, new, how, sums)
    return changes.wanted(raw, only=how.only, fields=how.fields)


def _wanted(how: Comparison, known: Sequence[str]) -> tuple[str, ...]:
    """The entities to compare. Raises UsageError for one that is not there."""
    if how.entity is None:
        return tuple(known)
    check_entity(how.entity, known)
    return (how.entity,)


def _snapshots(session: Session, old: Side, new: Side, how: Comparison) -> Iterator[Change]:
    from feedengine.store.records import records

    named = sorted({each for each in (old.catalog, new.catalog) if each})
    if len(named) > 1:
        raise UsageError(f"Snapshots of two catalogs cannot be compared: {' and '.join(named)}.")
    opened, section = session.catalog(named[0] if named else how.catalog)
    a, b = int(old.snapshot or 0), int(new.snapshot or 0)
    for number in (a, b):
        if number:
            opened.snapshot(number)
    for entity in _wanted(how, opened.entities.names):
        found = records(opened.changes(section, entity, a, b))
        yield from changes.of_snapshots(entity, found, opened.entities.key(entity))


def _files(session: Session, old: Path, new: Path, how: Comparison, sums: _Sums) -> Iterator[Change]:
    from feedengine import engine
    from feedengine.ingest.asking import entities_of, reading_rules
    from feedengine.store.records import records
    from feedengine.target import FeedRequest, read_name

    settings = session.settings
    store = session.store if session.existing_store() else None
    named = read_name(store, settings, FeedRequest(new, how.catalog, profile=how.profile, entity=how.entity))
    profile, entities = named.profile, entities_of(named.profile)
    one = getattr(named.name, "entity", None) or (how.entity if profile.name != DEFAULT else None)
    wanted = _wanted(how, entities.names)
    _must_be_comparable(entities, (one,) if one else wanted)
    form = profile.format(one) if one else None
    with tempfile.TemporaryDirectory(prefix="feedengine-") as temp:
        request: dict[str, Any] = {
            "settings": reading_rules(profile, settings, named.catalog, one),
            "entities": entities.specs,
            **({"entity": one} if one else {}),
            **({"format": form} if form else {}),
            "threads": settings.threads,
            "memory": settings.memory_limit // 2,
            "temp_dir": str(settings.get("engine.temp_dir") or temp),
        }
        found = engine.diff_files(old, new, request)
        if found.report["verdict"] == "invalid":
            raise FeedRejected("The files cannot be compared: one of them is no valid feed.", report=found.report)
        # What is not shown is counted by the engine alone: as rows, a hundred thousand changes would take seconds.
        most = how.limit if how.only is None and not how.fields else None
        if most is not None:
            counts = {
                entity: Counter({kind: found.report["entities"][entity][kind] for kind in _KINDS}) for entity in wanted
            }
            sums.tally, sums.told = {entity: each for entity, each in counts.items() if any(each.values())}, True
        for entity in wanted:
            before, after = found.before(entity, most), found.after(entity, most)
            with found.streaming():
                yield from changes.of_files(
                    entity,
                    records(before) if before is not None else (),
                    records(after) if after is not None else (),
                    entities.key(entity),
                )


def _must_be_comparable(entities: Entities, wanted: Iterable[str]) -> None:
    """Two files alone do not tell which records mean the same where the engine makes the ids."""
    made = [entity for entity in wanted if entities.spec(entity).get("identity")]
    if made:
        raise UsageError(
            f"Two files of {made[0]} cannot be compared: which records they mean is known to a catalog only.",
            hints=[Hint("See what a file would change", ("feedengine", "plan", "FILE"))],
        )


def _mixed(session: Session, old: Side, new: Side, how: Comparison, sums: _Sums) -> Iterator[Change]:
    """A snapshot against a file: the snapshot is written out as a feed, then two files are compared."""
    from feedengine.deliver.export import export

    stored = old if old.snapshot is not None else new
    opened, section = session.catalog(stored.catalog or how.catalog)
    if opened.entities.profile != DEFAULT:
        # What is stored has been brought into normal form: read as a feed a second time it may say something else.
        raise UsageError(
            f"A file cannot be compared with a snapshot of profile {opened.entities.profile}.",
            hints=[Hint("See what the file would change", ("feedengine", "plan", str(old.file or new.file)))],
        )
    with tempfile.TemporaryDirectory(prefix="feedengine-", dir=session.store.tmp) as temp:
        feed = Path(temp) / "snapshot.jsonl.tar.gz"
        export(opened, section, feed, form="jsonl.tar.gz", at=stored.snapshot)
        if stored is old:
            yield from _files(session, feed, new.file or feed, how, sums)
        else:
            yield from _files(session, old.file or feed, feed, how, sums)
