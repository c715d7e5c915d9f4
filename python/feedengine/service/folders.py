"""A folder of files as one delivery: built under a temporary name, checked, renamed once; safe to do again after death.

Who looks sees no folder, or the whole one. The receiver may take it away, or file after file, as soon as it is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedengine.errors import Hint, NotFound, TransportError
from feedengine.faults import point
from feedengine.ledger.outbox import Delivery, NewDelivery
from feedengine.service.targets import SendTarget
from feedengine.transport.local import Local
from feedengine.transport.remote import Progress, Remote


@dataclass(frozen=True)
class Member:
    """A file of the folder: its name there, bytes, SHA-256 in hex."""

    name: str
    bytes: int
    sha256: str


def members(delivery: Delivery) -> tuple[Member, ...]:
    """The files of a delivery that is a folder; none of one that is a file."""
    return tuple(Member(**each) for each in delivery.about.get("folder", ()))


def new_delivery(
    store: Path, kept: Path, target: str, path: str, files: Sequence[Member], about: Mapping[str, Any]
) -> NewDelivery:
    """A delivery of the folder `kept`, which lies in the outbox and is on the disk, as `path` below the target's."""
    listed = [vars(each) for each in files]
    digest = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()
    return NewDelivery(
        target, path.rpartition("/")[2], path, str(kept.relative_to(store)), sum(each.bytes for each in files), digest,
        {**about, "folder": listed},
    )  # fmt: skip


def deliver_folders(
    remote: Remote,
    target: SendTarget,
    wanted: Iterable[tuple[Delivery, Path]],
    placing: Callable[[list[int]], None],
    doing: Callable[[Delivery], None],
    progress: Progress | None = None,
) -> list[tuple[Delivery, str]]:
    """Bring folders to their final names there, each exactly once; gives each with how that was verified.

    All are built and checked, then all are renamed: `placing` is called once for all of them before anything may stand
    under a final name, and must last. Verified is hash, size, none, or `taken` for one that the receiver took before an
    earlier attempt heard of it. `doing` hears which one it is about. Raises `TransportError`, `NotFound`: then all of
    them are to be done again.
    """
    together = remote.together() if isinstance(remote, Local) else nullcontext(lambda: None)
    with together as settle:
        done: list[tuple[Delivery, str]] = []
        built: list[tuple[Delivery, str]] = []
        for delivery, folder in wanted:
            doing(delivery)
            known, there = _build(remote, target, delivery, folder, placing, progress)
            (done if there else built).append((delivery, known))
        for delivery, _ in built[:1]:
            doing(delivery)
        settle()
        if built:
            point("serve.send.verified")
            placing([delivery.id for delivery, _ in built])
            point("serve.send.placing")
        for delivery, _ in built:
            doing(delivery)
            remote.rename(target.temporary(delivery.path), delivery.path)
        settle()
        if built:
            point("serve.send.renamed")
    return [*done, *built]


def _build(
    remote: Remote,
    target: SendTarget,
    delivery: Delivery,
    folder: Path,
    placing: Callable[[list[int]], None],
    progress: Progress | None,
) -> tuple[str, bool]:
    """Build one aside; gives how it was verified, and whether it has its final name already."""
    files, final, part = members(delivery), delivery.path, target.temporary(delivery.path)
    # A record's folder is new unless something was begun before.
    begun = delivery.attempts > 1 or delivery.placed or bool(delivery.about.get("replay"))
    there = _sizes(remote, final, files) if begun else {}
    if delivery.placed and part != final and not any(_sizes(remote, part, files).values()):
        # Renamed: the part was whole when that was begun. What is missing there was taken since.
        return "taken", True
    if there and len(there) == len(files) and (known := _same(remote, final, files, there, target)):
        if known == "hash" or delivery.placed:
            return known, True
    elif there and target.keys["existing"] == "fail":
        raise TransportError(
            f"Another folder is at {final} already.",
            code="TRANSPORT_REFUSED",
            state="Nothing in it was replaced.",
            hints=[Hint("Take it away there", ("feedengine", "outbox", "show", str(delivery.id)))],
        )
    if there and part != final:
        return _replace(remote, target, files, final, folder, progress), True
    remote.make_folder(part)
    if part == final:
        placing([delivery.id])
    point("serve.send.before_put")
    for each in files:
        remote.put(folder / each.name, f"{part}/{each.name}", progress=progress)
        point("serve.folder.between")
    point("serve.send.after_put")
    return _verified(remote, part, files, target), part == final


def _replace(
    remote: Remote,
    target: SendTarget,
    files: Sequence[Member],
    final: str,
    folder: Path,
    progress: Progress | None,
) -> str:
    """Put each file into a folder that is there already, under a temporary name first; all again after a death."""
    _clear(remote, target.temporary(final), files)
    known = "none"
    for each in files:
        path = f"{final}/{each.name}"
        part = target.temporary(path)
        remote.put(folder / each.name, part, progress=progress)
        known = _verified(remote, "", [Member(part, each.bytes, each.sha256)], target)
        try:
            remote.rename(part, path)
        except TransportError:
            # A server that replaces nothing.
            remote.delete(path)
            remote.rename(part, path)
    return known


def _clear(remote: Remote, part: str, files: Sequence[Member]) -> None:
    """Take away what an earlier attempt built aside."""
    for each in files:
        with suppress(TransportError, NotFound):
            remote.delete(_in(part, each.name))
    with suppress(TransportError, NotFound):
        remote.remove_folder(part)


def _sizes(remote: Remote, folder: str, files: Sequence[Member]) -> dict[str, int]:
    """Bytes of those files that are in a folder there."""
    found = {each.name: remote.size(_in(folder, each.name)) for each in files}
    return {name: size for name, size in found.items() if size is not None}


def _verified(remote: Remote, folder: str, files: Sequence[Member], target: SendTarget) -> str:
    """How uploaded files were found right. Raises `TransportError` for the first that is not."""
    if target.keys["check"] == "none":
        return "none"
    known = "hash"
    for each in files:
        path = _in(folder, each.name)
        # The right hash needs no look at the size.
        if target.keys["check"] == "hash" and remote.sha256(path) == each.sha256:
            continue
        size = remote.size(path)
        how = _same(remote, folder, [each], {each.name: size}, target) if size == each.bytes else ""
        if not how:
            what = f"{size:,} of {each.bytes:,} bytes" if size not in (None, each.bytes) else "another content, or none"
            raise TransportError(f"The server confirmed {each.name}, but holds {what}.", code="TRANSPORT_CUT")
        known = how if how != "hash" else known
    return known


def _same(
    remote: Remote, folder: str, files: Sequence[Member], sizes: Mapping[str, int | None], target: SendTarget
) -> str:
    """How files there were found to be ours, by the weakest of the proofs; empty if one is not."""
    if target.keys["check"] == "none":
        return "none"
    known = "hash"
    for each in files:
        if sizes.get(each.name) != each.bytes:
            return ""
        sha256 = remote.sha256(_in(folder, each.name)) if target.keys["check"] == "hash" else None
        if sha256 is None:
            known = "size"
        elif sha256 != each.sha256:
            return ""
    return known


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
