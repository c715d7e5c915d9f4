"""A listing on its way: made part by part on a thread, sent by the loop as the client takes it, never held whole."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import islice

from feedengine.transport.ftps.files import Listed

#: Entries that are looked at and written at a time: some tens of kilobytes, a few milliseconds of a thread's.
AT_ONCE = 500

#: Told what came of a piece of work, and who does the work: `Backstage.disk`.
_Then = Callable[[bytes | None, Exception | None], None]
_Crew = Callable[[Callable[[], bytes], _Then], None]


def parts(
    found: Generator[Listed, None, None], form: Callable[[Iterable[Listed]], Iterator[bytes]]
) -> Generator[bytes, None, None]:
    """The lines of a listing, some hundred at a time, each lot by name; so a folder of no great size is in order."""
    with closing(found):
        while lot := sorted(islice(found, AT_ONCE)):
            yield b"".join(form(lot))


class Listing:
    """What asynchat calls a producer, of which one part is ready and one is being made at most.

    `more` is asked only where `ready`; who finds that it is not leaves a word in `wake` instead. For the loop's thread.
    """

    def __init__(self, made: Generator[bytes, None, None], first: bytes, crew: _Crew) -> None:
        """`first` is the part that was taken from `made` already; an empty one is the end."""
        self._made = made
        self._crew = crew
        self._part: bytes | None = first
        self._busy = False
        #: Whether the folder could not be read to its end.
        self.broken = False
        self.closed = False
        self.wake: Callable[[], None] = lambda: None

    @property
    def ready(self) -> bool:
        """Whether there is a part, or nothing will come."""
        return self._part is not None

    def more(self) -> bytes:
        """The next part, empty at the end; the one after it is begun."""
        part, self._part = self._part or b"", None
        if not part:
            self._part = b""
        else:
            self._busy = True
            self._crew(lambda: next(self._made, b""), self._arrived)
        return part

    def _arrived(self, part: bytes | None, error: Exception | None) -> None:
        self._busy = False
        self._part = part or b""
        self.broken = error is not None
        if self.closed:
            self._made.close()
        self.wake()

    def close(self) -> None:
        """Nobody wants more: let go of the folder, once no thread is in it."""
        self.closed = True
        if not self._busy:
            self._made.close()
