"""Publishing: from what a target has to what the catalog is now, as feeds in the outbox."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine import names
from feedengine.deliver.publication import ENTITIES, FeedFile, Limits, Publication, choose, write
from feedengine.errors import SafeguardRefused, UsageError
from feedengine.faults import point
from feedengine.ledger.outbox import NewDelivery, Outbox, clock, stamp
from feedengine.ledger.publications import Publications
from feedengine.service.keeping import adopt, new_folder
from feedengine.service.targets import SendTarget

if TYPE_CHECKING:
    from feedengine.store import Catalog, Store
    from feedengine.store.difference import Difference, Sizes


@dataclass(frozen=True)
class Wish:
    """What is asked for. Snapshots are None for the one last sent and the current one; `force` wants a reason."""

    section: str
    from_snapshot: int | None = None
    to_snapshot: int | None = None
    full: bool = False
    force: bool = False
    reason: str | None = None
    actor: str = ""


@dataclass
class Made:
    """A publication as it was planned, with the name of each file, and with its numbers once it is in the outbox."""

    target: str
    catalog: str
    from_snapshot: int | None
    to_snapshot: int
    plan: Publication
    names: list[str]
    refusal: str | None
    notes: list[str]
    packed: list[int] = field(default_factory=list)
    publication: int | None = None
    deliveries: list[int] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        files = []
        for at, (name, file) in enumerate(zip(self.names, self.plan.files, strict=True)):
            more: dict[str, Any] = {"packed_bytes": self.packed[at]} if self.packed else {}
            if self.deliveries:
                more["delivery"] = self.deliveries[at]
            files.append({"name": name, **file.as_dict(), **more})
        return {
            "schema": "feedengine.publication/1",
            "publication": self.publication,
            "target": self.target,
            "catalog": self.catalog,
            "from_snapshot": self.from_snapshot,
            "to_snapshot": self.to_snapshot,
            "files": files,
            "why": self.plan.why,
            "estimates": dict(self.plan.estimates),
            "changes": {
                entity: {"added": each.added, "changed": each.changed, "removed": each.removed, "lost": each.lost}
                for entity, each in self.plan.sizes.items()
            },
            "refusal": self.refusal,
            "notes": self.notes,
        }


def publish(store: Store, catalog: Catalog, target: SendTarget, wish: Wish, *, dry_run: bool = False) -> Made:
    """Plan a publication, and unless `dry_run` put its files into the outbox.

    Raises `SafeguardRefused` for removals beyond the target's limit without force, `Conflict` while an earlier one is
    on its way, `SnapshotNotFound`, `UsageError`.
    """
    if wish.force and not wish.reason:
        raise UsageError("--force wants --reason: why may so much be removed?", state="Nothing was sent.")
    named = f"{catalog.key}/{wish.section}"
    outbox = Outbox(store.ledger)
    publications = Publications(outbox)
    if not dry_run:
        publications.check_free(target.name, named)
    to = catalog.base(wish.section).snapshot if wish.to_snapshot is None else wish.to_snapshot
    base, also, notes = _base(catalog, publications, target, named, wish)
    catalog.entities.must_have(ENTITIES, "publishing")
    with catalog.difference(wish.section, base or 0, to, also) as difference:
        limits = Limits(int(target.keys["records_per_file"]), int(target.keys["bytes_per_file"]))
        plan = choose(difference, known=base is not None, full=wish.full, limits=limits)
        notes += plan.notes
        first = _first_stamp(publications, target, named)
        made = Made(
            target.name, named, base, to, plan, _names(catalog, target, wish, plan, first),
            _refusal(plan, target) if base is not None or also else None, notes,
        )  # fmt: skip
        if dry_run or not plan.files:
            return made
        if made.refusal and not wish.force:
            raise SafeguardRefused(
                made.refusal,
                state="Nothing was sent.",
                hints=["If it is meant: --force --reason TEXT names the files so that the receiver takes them"],
                report=made.as_dict(),
            )
        with ExitStack() as undo:
            new: list[NewDelivery] = []
            about = {"catalog": named, "from": base, "to": to, "actor": wish.actor, "reason": wish.reason}
            for name, file in zip(made.names, plan.files, strict=True):
                folder = new_folder(store)
                undo.callback(shutil.rmtree, folder, ignore_errors=True)
                new.append(_made(store, difference, file, folder, target.name, name, about))
                made.packed.append(new[-1].bytes)
            point("serve.publish.written")
            last = stamp(first + timedelta(seconds=len(new) - 1))
            made.publication, made.deliveries = publications.begin(target.name, named, base, to, last, about, new)
            undo.pop_all()
    point("serve.publish.begun")
    return made


def _made(
    store: Store, difference: Difference, file: FeedFile, folder: Path, target: str, name: str, about: dict[str, Any]
) -> NewDelivery:
    kept = folder / "file"
    write(difference, file, kept)
    return adopt(store, kept, target, name, {**about, "operation": file.operation, **file.as_dict()})


def _base(
    catalog: Catalog, publications: Publications, target: SendTarget, named: str, wish: Wish
) -> tuple[int | None, list[int], list[str]]:
    """The snapshot that the receiver has (None = nobody knows), snapshots that it may have in part, and notes."""
    if wish.from_snapshot is not None:
        return wish.from_snapshot, [], []
    last = publications.last_sent(target.name, named)
    parts = publications.reached_in_part(target.name, named)
    numbers = [each.to_snapshot for each in ([last, *parts] if last else parts)]
    pruned = {info.number for info in catalog.snapshots() if info.pruned}
    gone = [number for number in numbers if number in pruned]
    if gone:
        return None, [], [f"snapshot {gone[0]}, which was sent last, is forgotten: nobody knows what the receiver has"]
    return (last.to_snapshot, numbers[1:], []) if last else (None, numbers, [])


def _refusal(plan: Publication, target: SendTarget) -> str | None:
    """What a receiver with the target's removal limit would say of all the files together."""
    limit = str(target.keys["removal_limit"])
    for entity in ENTITIES:
        each = plan.sizes[entity]
        if limit != "off" and _exceeds(each, limit):
            share = each.lost / each.active * 100
            return (
                f"{each.lost:,} of {each.active:,} active {entity.replace('_', ' ')} would go or become inactive "
                f"({share:.1f} %); the receiver's limit is {limit}"
            )
    return None


def _exceeds(sizes: Sizes, limit: str) -> bool:
    if limit.endswith("%"):
        return sizes.active > 0 and sizes.lost * 100 > float(limit[:-1]) * sizes.active
    return sizes.lost > int(limit)


def _first_stamp(publications: Publications, target: SendTarget, named: str) -> datetime:
    """The time in the first file's name: now, but after the last file that went there."""
    now = clock().replace(microsecond=0)
    newest = publications.newest(target.name, named)
    if newest is None:
        return now
    return max(now, datetime.fromisoformat(newest.last_stamp).astimezone(UTC) + timedelta(seconds=1))


def _names(catalog: Catalog, target: SendTarget, wish: Wish, plan: Publication, first: datetime) -> list[str]:
    """A name for each file, a second apart, so that their order can be read from them."""
    key = target.keys["key"] or catalog.key
    section = target.keys["section"] or wish.section
    return [
        names.build(key, section, file.operation, first + timedelta(seconds=at), force=wish.force)
        for at, file in enumerate(plan.files)
    ]
