"""From the difference of two snapshots to the smallest feeds that make a receiver the same; see docs/decisions."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.deliver.gzip import GzipWriter
from feedengine.errors import UsageError, from_os_error

if TYPE_CHECKING:
    from feedengine.store.difference import Difference, Piece, Sizes

ENTITIES = ("items", "variations", "item_groups")
#: Those that depend on each other so closely that they take the same way; groups go before them, or after.
_RECORDS = ("items", "variations")
#: What a file costs besides its records: a name, a task at the receiver, an entry in everybody's log.
_FILE = 4096
_COPY = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Most records and bytes (before packing) of one entity in a file; 0 = no limit."""

    records: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Member:
    """What a file holds of one entity. `form` is sync, or a form of `Difference.pieces` with the number of its part."""

    entity: str
    form: str
    part: int
    records: int
    bytes: int


@dataclass(frozen=True)
class FeedFile:
    """A file to be sent. `operation` as file names have it."""

    operation: str
    members: tuple[Member, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON output; bytes are those of the records before packing."""
        return {
            "operation": self.operation,
            "records": {member.entity: member.records for member in self.members},
            "bytes": sum(member.bytes for member in self.members),
        }


@dataclass(frozen=True)
class Publication:
    """The files in the order in which they are sent, why they are these, and what there was to say."""

    files: tuple[FeedFile, ...]
    why: str
    sizes: Mapping[str, Sizes]
    notes: tuple[str, ...] = ()
    estimates: Mapping[str, int] = field(default_factory=dict)


def choose(difference: Difference, *, known: bool, full: bool, limits: Limits) -> Publication:
    """Decide on the files. `known`: the receiver has snapshot `difference.a`; else nobody knows what it has.

    Raises `UsageError` for what no feed can say: variations without an item, a sync beyond the limits.
    """
    sizes = {entity: difference.sizes(entity) for entity in ENTITIES}
    if known and not full and not any(each.differs for each in sizes.values()):
        return Publication((), "nothing has changed", sizes)
    _no_clashes(difference)
    whole = full or not known
    fits = all(_fits(sizes[entity], limits) for entity in ENTITIES)
    if whole and fits:
        _no_orphans(difference, every=True)
        why = "a full feed was asked for" if full else "nothing is known to have been sent there before"
        return Publication(tuple(_syncs(difference, sizes, ENTITIES)), why, sizes)
    if full:
        raise UsageError(
            "A full feed would exceed the target's records_per_file or bytes_per_file, and a sync can't be split.",
            state="Nothing was sent.",
            hints=["Leave out --full: what differs is sent in as many files as it takes", "Or raise the limits"],
        )
    if not known:
        _no_orphans(difference, every=True)
        note = "deltas remove nothing: what the receiver has besides stays there"
        why = "nothing is known to have been sent there before, and one file would exceed the limits"
        return Publication(tuple(_changes(difference, sizes, limits, fold=True)), why, sizes, (note,))
    return _cheapest(difference, sizes, limits)


def _cheapest(difference: Difference, sizes: Mapping[str, Sizes], limits: Limits) -> Publication:
    """The way with the fewest bytes for items and variations, and another one for groups."""
    records = [sizes[entity] for entity in _RECORDS]
    fold = sum(each.patched_bytes - each.patch_bytes for each in records) < _FILE
    says = {
        "changes": sum(
            each.delete_bytes + each.whole_bytes - (0 if fold else each.patched_bytes - each.patch_bytes)
            for each in records
        ),
        "sync": sum(each.after_bytes for each in records if each.differs),
    }
    differing = [entity for entity in _RECORDS if sizes[entity].differs]
    synced = bool(differing) and not difference.also and says["sync"] < says["changes"]
    synced = synced and all(_fits(sizes[entity], limits) and sizes[entity].after for entity in differing)
    _no_orphans(difference, every=synced)
    groups = sizes["item_groups"]
    group_sync = groups.differs and not difference.also and groups.after > 0
    group_sync = group_sync and groups.after_bytes < groups.whole_bytes + groups.delete_bytes
    group_sync = group_sync and _fits(groups, limits)
    together = [*differing] if synced else []
    files: list[FeedFile] = []
    if group_sync and synced:
        files += _syncs(difference, sizes, [*together, "item_groups"])
    elif group_sync:
        files += _syncs(difference, sizes, ["item_groups"])
    elif synced:
        files += _upserts(difference, ["item_groups"], "every", "delta", limits)
        files += _syncs(difference, sizes, together)
    left = [entity for entity in ENTITIES if not (entity in together or (entity == "item_groups" and group_sync))]
    upserted = [entity for entity in left if entity != "item_groups" or not synced]
    files += _changes(difference, sizes, limits, fold=fold, upserted=upserted, deleted=left)
    return Publication(tuple(files), _reason(says, synced, fold, sizes, difference), sizes, (), says)


def _reason(
    says: Mapping[str, int], synced: bool, fold: bool, sizes: Mapping[str, Sizes], difference: Difference
) -> str:
    if difference.also:
        return "an earlier publication reached the receiver in part: all that it touched is said again, whole"
    if synced:
        return f"a full feed has about {says['sync']:,} bytes, the changes {says['changes']:,}"
    patches = sum(each.patches for each in sizes.values())
    if patches and not fold:
        return (
            f"the changes have {says['changes']:,} bytes, {patches:,} records as patches; a full feed {says['sync']:,}"
        )
    return f"the changes have {says['changes']:,} bytes, a full feed about {says['sync']:,}"


def _fits(sizes: Sizes, limits: Limits) -> bool:
    if limits.records and sizes.after > limits.records:
        return False
    # The estimate leaves the names of fields out; within a tenth of the limit nobody relies on it.
    return not limits.bytes or sizes.after_bytes * 2 <= limits.bytes


def _syncs(difference: Difference, sizes: Mapping[str, Sizes], entities: Iterable[str]) -> list[FeedFile]:
    """One sync of what has records, and the deletion of what has none any more, which no sync can say."""
    members, emptied = [], []
    for entity in entities:
        if sizes[entity].after:
            members.append(Member(entity, "sync", 0, sizes[entity].after, sizes[entity].after_bytes))
        elif sizes[entity].removed:
            emptied.append(entity)
    files = [FeedFile("sync", tuple(members))] if members else []
    return [*files, *_upserts(difference, emptied, "delete", "delete", Limits())]


def _changes(
    difference: Difference,
    sizes: Mapping[str, Sizes],
    limits: Limits,
    *,
    fold: bool,
    upserted: Iterable[str] = ENTITIES,
    deleted: Iterable[str] = ENTITIES,
) -> list[FeedFile]:
    """Deltas, patches, deletions: what others refer to comes first and goes last."""
    upserted = list(upserted)
    files = _upserts(difference, upserted, "every" if fold else "whole", "delta", limits)
    if not fold:
        files += _upserts(difference, [each for each in upserted if each in _RECORDS], "patch", "patchdelta", limits)
    return files + _upserts(difference, list(deleted), "delete", "delete", limits)


def _upserts(
    difference: Difference, entities: Iterable[str], form: str, operation: str, limits: Limits
) -> list[FeedFile]:
    """Files of one form: groups whole in the first one (in the last one to delete), items before variations.

    One file where every entity fits into a single part.
    """
    pieces: dict[str, list[Piece]] = {}
    for entity in entities:
        # A group's parents must be there before it, so groups stay together.
        most = Limits() if entity == "item_groups" else limits
        pieces[entity] = difference.pieces(entity, form, records=most.records, bytes=most.bytes)
    items, variations = pieces.get("items", []), pieces.get("variations", [])
    members = [[_member("items", form, piece)] for piece in items]
    if members and variations:
        # The last part of the items and the first of the variations go together.
        members[-1].append(_member("variations", form, variations[0]))
        variations = variations[1:]
    members += [[_member("variations", form, piece)] for piece in variations]
    groups = [_member("item_groups", form, piece) for piece in pieces.get("item_groups", [])]
    if groups:
        members = members or [[]]
        members[-1 if form == "delete" else 0] += groups
    return [FeedFile(operation, tuple(each)) for each in members]


def _member(entity: str, form: str, piece: Piece) -> Member:
    return Member(entity, form, piece.number, piece.records, piece.bytes)


def _no_orphans(difference: Difference, *, every: bool) -> None:
    count, first = difference.orphans(every=every)
    if count:
        raise UsageError(
            f"{count:,} variations have no item (first: {first!r}); a receiver would refuse them.",
            state="Nothing was sent.",
            code="NOT_PUBLISHABLE",
            hints=["Remove them, or send their items"],
        )


def _no_clashes(difference: Difference) -> None:
    for entity in engine.constructor_entities():
        clashes = difference.clashes(entity["name"])
        if clashes:
            raise UsageError(
                f"{entity['name']}: JSON cannot say {', '.join(clashes)}: its name there has another meaning.",
                state="Nothing was sent.",
                code="NOT_PUBLISHABLE",
                hints=["Give the column another name"],
            )


def write(difference: Difference, file: FeedFile, path: Path) -> None:
    """Write one file as a .tar.gz of JSON lines, which hold every value. Raises `DiskFull`."""
    try:
        with ExitStack() as stack:
            target = stack.enter_context(path.open("xb"))
            packed = stack.enter_context(GzipWriter(target))
            tar = stack.enter_context(tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT))  # type: ignore[call-overload]
            for member in sorted(file.members, key=lambda each: ENTITIES.index(each.entity)):
                scratch = path.with_name(f".{os.urandom(8).hex()}.part")
                try:
                    difference.write(member.entity, member.form, member.part, scratch)
                    entry = tarfile.TarInfo(f"{member.entity}.jsonl")
                    entry.size = scratch.stat().st_size
                    with scratch.open("rb", buffering=_COPY) as text:
                        tar.addfile(entry, text)
                finally:
                    scratch.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, f"write {path}") from error
