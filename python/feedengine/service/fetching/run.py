"""One look at a source: list, choose, load, hand over, tidy up. Killed anywhere, the next look goes on from there."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedengine.errors import FeedRejected, NotFound, TransportError
from feedengine.faults import point
from feedengine.ledger.sources import Fetched, Sources
from feedengine.service.fetching import choosing
from feedengine.service.fetching.source import Source, written
from feedengine.service.part import Log
from feedengine.transport.connecting import connect, dangers
from feedengine.transport.remote import Entry, Place, Remote

#: Puts a file into the queue under its name, made by the actor; gives the task. Raises `FeedRejected`,
#: `QueueFull`.
Submit = Callable[[Path, str], int]


class Stopped(Exception):
    """The service stops; what was loaded so far is kept."""


class QueueFull(Exception):
    """The file's key has too many feeds waiting; it is kept, and handed over with a later look."""


@dataclass
class Result:
    """What a look did: tasks by file, and files that were as before, refused, or may be whole later."""

    handed: dict[str, int] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    unsure: list[str] = field(default_factory=list)


class Run:
    """A look at one source. At most one at a time for a source: whoever makes it holds the source's lock."""

    def __init__(
        self,
        source: Source,
        ledger: Sources,
        folder: Path,
        submit: Submit,
        log: Log,
        *,
        wait: Callable[[float], bool],
        keep_days: int = 400,
        open_place: Callable[[Place], Remote] = connect,
    ) -> None:
        """`folder` is for what is being loaded. `wait` sleeps, and says whether the service stops."""
        self.source = source
        self._ledger = ledger
        self._folder = folder
        self._submit = submit
        self._log = log
        self._wait = wait
        self._keep_days = keep_days
        self._connect = open_place
        self._result = Result()

    def carry_out(self) -> Result:
        """Look once. Raises `TransportError` and other errors of ours; what was done so far counts."""
        name = self.source.name
        for each in self._ledger.open(name):
            if each.state == "loaded":
                self._hand_over(each)
        place = self.source.place()
        for danger in dangers(place):
            self._log("fetch.unprotected", level="warning", source=name, message=danger)
        with self._connect(place) as remote:
            listed = remote.list()
            self._tidy_left(remote, listed)
            choice = self._choose(listed)
            if choice.unsure and self.source.stability == "unchanged" and self.source.settle <= 60:
                self._pause(self.source.settle)
                listed = remote.list()
                choice = self._choose(listed)
            self._clear(listed)
            self._result.unsure = [entry.name for entry in choice.unsure]
            for entry in choice.passed:
                self._ledger.pass_over(name, *choosing.facts(entry))
            for entry in choice.ready:
                self._take(remote, entry)
        return self._result

    def _choose(self, listed: list[Entry]) -> choosing.Choice:
        name = self.source.name
        facts = [choosing.facts(entry) for entry in choosing.matching(self.source, listed)]
        since = self._ledger.look(name, facts)
        settled = self._ledger.settled(name, taken_away=self.source.after != "leave")
        return choosing.choose(self.source, listed, since, settled, datetime.now(UTC))

    def _take(self, remote: Remote, entry: Entry) -> None:
        """Load a file, hand it over, and do with it there what is wanted."""
        name, size, modified = choosing.facts(entry)
        feed = self.source.feed_name(entry, datetime.now(UTC))
        row = self._ledger.load(self.source.name, name, size, modified, feed)
        folder = self._place_of(row)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = folder / "part"
        point("serve.fetch.loading")
        try:
            self._load(remote, entry, part)
        except NotFound:
            self._discard(row)  # taken away since it was listed
            return
        if self._moved_on(remote, entry):
            self._discard(row)
            raise TransportError(
                f"{name} was changed while it was loaded.",
                state="What came was thrown away; the file is looked at again.",
                code="TRANSPORT_CHANGED",
            )
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if self.source.stability == "sha256":
            self._compare(remote, row, digest)
        point("serve.fetch.whole")
        whole = folder / (row.feed or name)
        part.rename(whole)
        row = self._ledger.loaded(row.id, str(whole), digest)
        self._log("fetch.loaded", source=self.source.name, file=name, bytes=whole.stat().st_size, sha256=digest)
        point("serve.fetch.loaded")
        if self._hand_over(row):
            self._tidy(remote, row)

    def _load(self, remote: Remote, entry: Entry, part: Path) -> None:
        def told(done: int) -> None:
            point("serve.fetch.part")
            if self._wait(0):
                raise Stopped

        offset = part.stat().st_size if part.exists() else 0
        if offset:
            self._log("fetch.resumed", source=self.source.name, file=entry.name, offset=offset)
        try:
            remote.get(entry.name, part, offset=offset, progress=told)
        except TransportError as error:
            if error.code == "TRANSPORT_CHANGED":
                part.unlink(missing_ok=True)
            raise

    def _moved_on(self, remote: Remote, entry: Entry) -> bool:
        """Whether the file on the server is another one than was listed before it was loaded."""
        again = next((each for each in remote.list() if each.name == entry.name), None)
        return again is None or choosing.facts(again) != choosing.facts(entry)

    def _compare(self, remote: Remote, row: Fetched, digest: str) -> None:
        beside = self._place_of(row) / "sha256"
        remote.get(row.name + ".sha256", beside)
        words = beside.read_text(encoding="ascii", errors="replace").split()
        beside.unlink()
        if not words or words[0].lower().lstrip("\\") != digest:
            self._discard(row)
            raise TransportError(
                f"{row.name} has another SHA-256 than {row.name}.sha256 says.",
                state="What came was thrown away; both are loaded again with the next look.",
                code="TRANSPORT_CHANGED",
            )

    def _hand_over(self, row: Fetched) -> bool:
        """Put a loaded file into the queue, once. False where it was refused."""
        before = self._ledger.before(row)
        if before is not None and before.sha256 == row.sha256 and self.source.after == "leave":
            # Only its time changed: a copy job that ran again, or a listing that names times differently. Where files
            # are taken away, one that is there again was sent again, and the engine says what it changes.
            self._ledger.settle(row.id, "same")
            self._result.same.append(row.name)
            self._log("fetch.same", source=self.source.name, file=row.name, sha256=row.sha256)
        else:
            task = self._ledger.task_of(row, self.source.actor)
            if task is None:
                try:
                    task = self._submit(Path(row.path or ""), self.source.actor)
                except FeedRejected as error:
                    self._ledger.settle(row.id, "refused", error=error.message)
                    self._result.refused[row.name] = error.message
                    self._log("fetch.refused", level="error", source=self.source.name, file=row.name,
                              message=error.message)  # fmt: skip
                    shutil.rmtree(self._place_of(row), ignore_errors=True)
                    return False
            point("serve.fetch.submitted")
            self._ledger.settle(row.id, "handed", task=task)
            self._result.handed[row.name] = task
            self._log("fetch.handed", source=self.source.name, file=row.name, task=task)
        point("serve.fetch.handed")
        shutil.rmtree(self._place_of(row), ignore_errors=True)
        return True

    def _tidy_left(self, remote: Remote, listed: list[Entry]) -> None:
        """What earlier looks could not do with their files. One that is another by now is a new delivery: let it be."""
        there = {choosing.facts(entry) for entry in listed}
        for each in self._ledger.open(self.source.name):
            if each.state not in ("handed", "same"):
                continue
            if (each.name, each.bytes, each.modified) in there:
                self._tidy(remote, each)
            else:
                self._ledger.tidied(each.id)

    def _tidy(self, remote: Remote, row: Fetched) -> None:
        """Do with the file there what is wanted; done again where it is not known whether it was done."""
        if self.source.after == "move":
            self._move(remote, row)
        elif self.source.after == "delete":
            for each in self._belongings(row.name):
                with suppress(NotFound):
                    remote.delete(each)
        point("serve.fetch.tidied")
        self._ledger.tidied(row.id)

    def _move(self, remote: Remote, row: Fetched) -> None:
        folder = self.source.move_to.rstrip("/")
        remote.make_folder(folder)
        for each in self._belongings(row.name):
            target = f"{folder}/{each}"
            if remote.size(each) is None:
                continue
            if remote.size(target) is not None:
                # A file of that name went there before: both are kept.
                target = f"{folder}/{row.id}_{each}"
            with suppress(NotFound):
                remote.rename(each, target)

    def _belongings(self, name: str) -> list[str]:
        """The file itself goes last: as long as it is there, it is known that something is left to do."""
        marker = {"done": [name + self.source.marker], "sha256": [name + ".sha256"]}.get(self.source.stability, [])
        return [*marker, name]

    def _clear(self, listed: list[Entry]) -> None:
        """Throw away parts of files that are not there any more as they were, what a death left, old knowledge."""
        there = {choosing.facts(entry) for entry in listed}
        ours = set()
        for each in self._ledger.open(self.source.name):
            if each.state == "loading" and (each.name, each.bytes, each.modified) not in there:
                self._discard(each)
            else:
                ours.add(str(each.id))
        for folder in self._folder.iterdir():
            if folder.is_dir() and folder.name not in ours:
                shutil.rmtree(folder, ignore_errors=True)
        before = written(datetime.now(UTC) - timedelta(days=self._keep_days)) or ""
        self._ledger.forget(self.source.name, (entry.name for entry in listed), before)

    def _discard(self, row: Fetched) -> None:
        self._ledger.drop(row.id)
        shutil.rmtree(self._place_of(row), ignore_errors=True)

    def _place_of(self, row: Fetched) -> Path:
        return self._folder / str(row.id)

    def _pause(self, seconds: float) -> None:
        if self._wait(seconds):
            raise Stopped
