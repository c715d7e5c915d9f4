"""Records out, as they are created or confirmed: each once, as files in the outbox, from what snapshots changed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.deliver.record_files import cell, csv_text, fits
from feedengine.errors import CatalogNotFound, FeedEngineError, NotFound, SnapshotNotFound, from_os_error
from feedengine.faults import point
from feedengine.ledger.exports import Exported, Exports
from feedengine.ledger.outbox import NewDelivery, Outbox
from feedengine.profile.exports import UUID, ExportFile
from feedengine.service import folders
from feedengine.service.alone import alone
from feedengine.service.bell import ring
from feedengine.service.keeping import new_folder
from feedengine.service.outgoing import Outgoing, outgoing
from feedengine.service.part import Log
from feedengine.settings import Settings
from feedengine.store.records import records
from feedengine.transport.syncing import sync

if TYPE_CHECKING:
    from feedengine.store import Catalog, Store

# Records whose files are written together: their deliveries go into the ledger in one transaction.
_BATCH = 500

Row = Mapping[str, Any]


def look(store: Store, settings: Settings, catalog: str | None, log: Log) -> int:
    """Put out what is due of every export (of one catalog); gives how many records. What fails is logged."""
    count = 0
    if not settings.named["exports"]:
        return count

    def wrong(name: str, error: Exception) -> None:
        log("export.failed", level="error", export=name, error=str(error))

    for out in outgoing(store, settings, wrong, catalog):
        try:
            count += catch_up(store, out, log)
        except (FeedEngineError, OSError) as error:
            wrong(out.name, error)
    return count


def catch_up(store: Store, out: Outgoing, log: Log) -> int:
    """Put out what became due since the export looked last; gives how many records. Another one at it: does nothing.

    Safe to be killed anywhere: a record and its delivery are noted together, and what was not noted is found again.
    Raises `DiskFull`, `CatalogBusy`.
    """
    exports = Exports(Outbox(store.ledger))
    count = 0
    with alone(store, "export", out.name) as ours:
        while ours and (newest := exports.newest(out.catalog)) > (exports.reached(out.name, out.catalog) or 0):
            count += _one_look(store, out, exports, newest)
    if count:
        log("export.put", export=out.name, records=count, target=out.target)
        ring(store, "courier")
    return count


def is_behind(store: Store, out: Outgoing) -> bool:
    """Whether there is a snapshot that the export has not looked at."""
    exports = Exports(Outbox(store.ledger))
    return exports.newest(out.catalog) > (exports.reached(out.name, out.catalog) or 0)


def _one_look(store: Store, out: Outgoing, exports: Exports, newest: int) -> int:
    reached = exports.reached(out.name, out.catalog)
    with store.catalog(out.key) as catalog:
        keys = _candidates(catalog, out, reached or 0, newest)
    if reached is None and out.existing == "skip":
        exports.skip(out.name, keys, newest)
        keys = []
    keys = list(dict.fromkeys([*sorted(exports.awaited(out.name)), *keys]))
    count, awaited = 0, []
    for at in range(0, len(keys), _BATCH):
        some = keys[at : at + _BATCH]
        done = exports.known(out.name, some)
        ready, wait = _due(store, out, [key for key in some if key not in done])
        awaited += wait
        with ExitStack() as undo:
            written: list[Path] = []
            new = [(key, newest, _written(store, out, key, files, undo, written)) for key, files in ready]
            _sync(store, written)
            point("serve.export.written")
            count += len(new)
            exports.put(out.name, new)
            undo.pop_all()
        point("serve.export.put")
    exports.reach(out.name, out.catalog, newest, awaited)
    point("serve.export.reached")
    return count


def replay(store: Store, out: Outgoing, found: Exported) -> list[int]:
    """Put a record out once more, as it is now; gives the deliveries. Raises `NotFound` where it is gone."""
    exports = Exports(Outbox(store.ledger))
    with store.catalog(out.key) as catalog:
        rows = _rows(catalog, out, out.export.entity, [found.record])
        if not rows:
            raise NotFound(
                f"{found.record} is not in {out.catalog} any more.",
                state="Nothing was sent.",
                hints=[{"text": "See its life", "argv": ["feedengine", "trace", found.record]}],
            )
        files = _files(catalog, out, rows)[found.record]
    with ExitStack() as undo:
        written: list[Path] = []
        new = _written(store, out, found.record, files, undo, written, replay=found.replays + 1)
        _sync(store, written)
        made = exports.replay(found, exports.newest(out.catalog), new)
        undo.pop_all()
    ring(store, "courier")
    return made


def _candidates(catalog: Catalog, out: Outgoing, reached: int, newest: int) -> list[str]:
    """Keys of records that are there or changed since, and are as the export wants them; sorted."""
    entity, key = out.export.entity, out.keys[out.export.entity]
    try:
        rows: Iterable[Row] = records(catalog.changes(out.section, entity, reached, newest))
    except SnapshotNotFound:
        # What was looked at last is forgotten: all of them are candidates, and those that were put out are known.
        rows = records(catalog.export_rows(out.section, entity))
    except CatalogNotFound:
        return []
    return sorted(str(row[key]) for row in rows if row.get("_change") != "removed" and fits(row, out.export.when))


def _due(store: Store, out: Outgoing, keys: Sequence[str]) -> tuple[list[tuple[str, dict[str, bytes]]], list[str]]:
    """Records that can be put out with their files, and those for which rows of another entity are awaited."""
    if not keys:
        return [], []
    with store.catalog(out.key) as catalog:
        rows = [row for row in _rows(catalog, out, out.export.entity, keys) if fits(row, out.export.when)]
        files = _files(catalog, out, rows)
    key = out.keys[out.export.entity]
    ready = [(str(row[key]), files[str(row[key])]) for row in rows if files[str(row[key])]]
    return sorted(ready), [str(row[key]) for row in rows if not files[str(row[key])]]


def _files(catalog: Catalog, out: Outgoing, rows: Sequence[Row]) -> dict[str, dict[str, bytes]]:
    """The content of each record's files by name; no files where one is awaited."""
    key = out.keys[out.export.entity]
    found: dict[str, dict[str, bytes]] = {str(row[key]): {} for row in rows}
    incomplete: set[str] = set()
    for file in out.export.files:
        entity = file.entity or out.export.entity
        headings = [out.headings.get(entity, {}).get(column, column) for column in file.columns]
        belonging = _belonging(catalog, out, file, rows) if file.entity else {str(row[key]): [row] for row in rows}
        for record, files in found.items():
            own = belonging.get(record, [])
            files[file.name.replace(UUID, record)] = csv_text(headings, file.columns, own)
            if file.wait and not own:
                incomplete.add(record)
    return {record: {} if record in incomplete else files for record, files in found.items()}


def _belonging(catalog: Catalog, out: Outgoing, file: ExportFile, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Records of another entity by the key of the record that they name; ordered by their own keys."""
    key, entity = out.keys[out.export.entity], str(file.entity)
    known = {column.name for column in catalog.columns_at(out.section, entity)}
    named = [
        (theirs, {cell(row.get(ours)): str(row[key]) for row in rows if row.get(ours)}) for theirs, ours in file.by
    ]
    named = [(theirs, values) for theirs, values in named if theirs in known]
    terms = [f"{_name(theirs)} IN ({_texts(values)})" for theirs, values in named if values]
    if not terms:
        return {}
    found: dict[str, list[Row]] = {}
    query = f"SELECT * FROM {_name(entity)} WHERE {' OR '.join(terms)} ORDER BY {_name(out.keys[entity])}"
    for row in records(catalog.sql(query, out.section)):
        # The first field that has a value counts.
        values, given = next(((values, row[theirs]) for theirs, values in named if row.get(theirs)), ({}, None))
        if given is not None and cell(given) in values:
            found.setdefault(values[cell(given)], []).append(row)
    return found


def _rows(catalog: Catalog, out: Outgoing, entity: str, keys: Sequence[str]) -> list[Row]:
    """Current records by key."""
    query = f"SELECT * FROM {_name(entity)} WHERE {_name(out.keys[entity])} IN ({_texts(keys)})"
    return list(records(catalog.sql(query, out.section)))


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _texts(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def _written(
    store: Store,
    out: Outgoing,
    record: str,
    files: Mapping[str, bytes],
    undo: ExitStack,
    written: list[Path],
    *,
    replay: int = 0,
) -> list[NewDelivery]:
    """A record's files in the outbox: one delivery of the folder, or flat one of each. `written` is to be synced."""
    place = out.export.folder.replace(UUID, record)
    about: dict[str, Any] = {"export": out.name, "catalog": out.catalog, "record": record}
    if replay:
        about["replay"] = replay
    kept = new_folder(store)
    undo.callback(shutil.rmtree, kept, ignore_errors=True)
    if out.flat:
        above = place.rpartition("/")[0]
        return [_flat(store, out, above, name, text, about, undo, written) for name, text in files.items()]
    folder = kept / "folder"
    folder.mkdir(mode=0o750)
    members = [_put(folder / name, text) for name, text in files.items()]
    written += [*(folder / name for name in files), folder, kept]
    return [folders.new_delivery(store.root, folder, out.target, place, members, about)]


def _flat(
    store: Store,
    out: Outgoing,
    above: str,
    name: str,
    text: bytes,
    about: Mapping[str, Any],
    undo: ExitStack,
    written: list[Path],
) -> NewDelivery:
    kept = new_folder(store)
    undo.callback(shutil.rmtree, kept, ignore_errors=True)
    member = _put(kept / "file", text)
    written += [kept / "file", kept]
    path = f"{above}/{name}" if above else name
    return NewDelivery(
        out.target, name, path, str((kept / "file").relative_to(store.root)), member.bytes, member.sha256, about
    )


def _put(path: Path, text: bytes) -> folders.Member:
    try:
        path.write_bytes(text)
    except OSError as error:
        raise from_os_error(error, f"write {path.name} for sending") from error
    return folders.Member(path.name, len(text), hashlib.sha256(text).hexdigest())


def _sync(store: Store, written: list[Path]) -> None:
    """All of it is on the disk before the ledger speaks of it."""
    if written:
        try:
            sync([*written, store.root / "outbox"])
        except OSError as error:
            raise from_os_error(error, "bring files for sending onto the disk") from error
