"""One delivery over an open connection: under a temporary name, checked, renamed; safe to do again after any death."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from feedengine.errors import Hint, NotFound, TransportError
from feedengine.faults import point
from feedengine.ledger.outbox import Delivery
from feedengine.service.targets import SendTarget
from feedengine.transport.remote import Progress, Remote

# What a dying server wrote last is sent again.
_DOUBTFUL = 64 << 10


def deliver(
    remote: Remote,
    target: SendTarget,
    delivery: Delivery,
    file: Path,
    placing: Callable[[], None],
    progress: Progress | None = None,
) -> str:
    """Bring `file` to its final name there, exactly once; gives how that was verified.

    `placing` is called before anything may stand under the final name, and must last. Gives hash, size, none, or
    `taken` for a file that had been renamed before an earlier attempt died, and that the receiver has taken since.
    Raises `TransportError`, `NotFound`.
    """
    final, part = delivery.path, target.temporary(delivery.path)
    if delivery.placed and part != final:
        left = remote.size(part)
        if left is None:
            # The part went when it was renamed: all but we know that it has arrived.
            now = remote.size(final)
            if now is None:
                return "taken"
            if now == delivery.bytes and (known := _same(remote, final, delivery, target)):
                return known
        elif left == delivery.bytes and (known := _same(remote, part, delivery, target)):
            remote.rename(part, final)
            return known
    elif (now := _there(remote, delivery)) is not None:
        known = _same(remote, final, delivery, target) if now == delivery.bytes else ""
        if known == "hash" or (known and delivery.placed):
            return known
        if target.keys["existing"] == "fail" and not delivery.placed:
            raise TransportError(
                f"Another file is at {final} already.",
                code="TRANSPORT_REFUSED",
                state="It was not replaced.",
                hints=[Hint("Take it away there, or send under another name with --as")],
            )
    _put(remote, target, delivery, file, placing, progress)
    known = _verified(remote, part, delivery, target)
    if part != final:
        point("serve.send.verified")
        placing()
        point("serve.send.placing")
        remote.rename(part, final)
        point("serve.send.renamed")
    return known


def _there(remote: Remote, delivery: Delivery) -> int | None:
    """Bytes of the file that has the final name; None if there is none.

    What an earlier attempt of ours left there need not be one, whatever its size: servers tell the size of what they
    keep of a broken upload, too, but list only files.
    """
    size = remote.size(delivery.path)
    if not delivery.placed or size != delivery.bytes:
        return size
    folder, _, name = delivery.path.rpartition("/")
    try:
        listed = any(each.name == name for each in remote.list(folder))
    except NotFound:
        return size
    except TransportError as error:
        # Where we may not look there is only the size.
        if error.code != "TRANSPORT_REFUSED":
            raise
        return size
    return size if listed else None


def _put(
    remote: Remote,
    target: SendTarget,
    delivery: Delivery,
    file: Path,
    placing: Callable[[], None],
    progress: Progress | None,
) -> None:
    part = target.temporary(delivery.path)
    folder = part.rpartition("/")[0]
    if folder:
        remote.make_folder(folder)
    offset = 0
    if delivery.attempts > 1:
        # A part that an earlier attempt left; ours, because this target is sent to by one process at a time.
        left = remote.size(part) or 0
        offset = max(0, left - _DOUBTFUL) if left <= delivery.bytes else 0
    if part == delivery.path:
        placing()
    point("serve.send.before_put")
    remote.put(file, part, offset=offset, progress=progress)
    point("serve.send.after_put")


def _verified(remote: Remote, part: str, delivery: Delivery, target: SendTarget) -> str:
    """How the uploaded part was found right. Raises `TransportError` if it is not, and takes it away."""
    if target.keys["check"] == "none":
        return "none"
    size = remote.size(part)
    known = _same(remote, part, delivery, target) if size == delivery.bytes else ""
    if known:
        return known
    if size is None:
        raise TransportError(f"The server confirmed {part}, but it is not there.", code="TRANSPORT_CUT")
    with suppress(TransportError, NotFound):
        remote.delete(part)
    what = f"{size:,} of {delivery.bytes:,} bytes" if size != delivery.bytes else "another content of the same size"
    raise TransportError(f"The server confirmed {part}, but holds {what}.", code="TRANSPORT_CUT")


def _same(remote: Remote, path: str, delivery: Delivery, target: SendTarget) -> str:
    """How a file there of the right size was found to be ours; empty if it is not."""
    if target.keys["check"] == "none":
        return "none"
    sha256 = remote.sha256(path) if target.keys["check"] == "hash" else None
    if sha256 is None:
        return "size"
    return "hash" if sha256 == delivery.sha256 else ""
