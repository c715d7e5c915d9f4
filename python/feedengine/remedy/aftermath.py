"""What a task's end means for the cases of its catalog: which faults it shows, which are mended, whose rows it brings.

A case is mended when a task that was applied holds its record and no longer shows the fault, or is a sync, which says
all there is. Rows are told apart by their identifiers, so that mended rows alone do the same as the whole file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.engine import Sent
from feedengine.errors import FeedEngineError
from feedengine.ledger.cases import CONFLICTS, Case, Cases
from feedengine.ledger.parked import Parked, ParkedRow
from feedengine.remedy.naming import Pair, text
from feedengine.remedy.parking import RETRY
from feedengine.remedy.terms import rereading

if TYPE_CHECKING:
    from feedengine.ledger import Ledger, Task
    from feedengine.remedy.terms import Terms
    from feedengine.store import Store

#: Where a row stands: member, entity, number.
Place = tuple[str, str, int]


@dataclass
class Aftermath:
    """To be noted in the transaction that ends the task.

    `trouble` is why the feed could not be read once more: cases that it mends stay open, rows that it brings wait on.
    """

    task: int
    key: str
    section: str
    shown: list[dict[str, Any]] = field(default_factory=list)
    fixed: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    done: bool = False
    parent: int | None = None
    trouble: str | None = None

    def note(self, ledger: Ledger) -> Counter[str]:
        """Write it down; gives how many cases were opened, repeated, reopened and fixed."""
        cases = Cases(ledger)
        with ledger.write():
            counts = cases.show(self.task, self.key, self.section, self.shown)
            counts["fixed"] = cases.fix(self.task, self.fixed)
            if self.done:
                Parked(ledger).applied(self.task, self.replaced, self.refused)
            if self.parent is not None:
                ledger.note(self.task, parent=self.parent)
        return counts


def aftermath(
    store: Store, task: Task, path: Path, report: Mapping[str, Any], terms: Terms, *, done: bool
) -> Aftermath:
    """Work out what the end of a task means. Reads the feed once more, if there is anything to find in it.

    `done`: the task was applied, so that what it holds and does not complain of is right. Faults of the report get
    their `owner`.
    """
    ledger = store.ledger
    key, _, section = str(report["catalog"]).partition("/")
    made = Aftermath(task.id, key, section, done=done)
    faults = [fault for fault in report["problems"]["list"] if _about_row(fault)]
    uploaded = [name for name, entry in report["entities"].items() if entry.get("uploaded")]
    cases = [case for case in Cases(ledger).open(key, section) if case.entity in ("", *uploaded)]
    whole = report["operation"] == "sync"
    # A row that waited is older than what waits now.
    waiting = Parked(ledger).waiting(key, section, uploaded) if done and task.type != RETRY else []
    asked: list[Case | ParkedRow] = [] if whole or not done else [*cases, *waiting]
    found, ended = _look(_reading(store, path, terms, uploaded, report), faults, asked)
    if ended is not None and done:
        # Of a file that was refused nobody expects that it can be read to its end.
        made.trouble = ended.message if isinstance(ended, FeedEngineError) else str(ended)
    for fault in faults:
        row = found.rows.get(_place(fault))
        owner = terms.owners.get(str(fault["entity"]), "")
        fault["owner"] = row.values.get(owner, "").strip() or None if row else None
    errors = [fault for fault in faults if fault["severity"] != "warning"]
    made.shown = [_shown(fault, found, terms) for fault in errors]
    made.shown += [
        _of_file(fault, report)
        for fault in report["problems"]["list"]
        if fault["severity"] == "file" and not _about_row(fault)
    ]
    repeated = _repeated(made.shown, cases)
    if done:
        cut = _cut(report)
        made.fixed = [
            case.id
            for case in cases
            if case.id not in repeated
            and (case.entity, case.code) not in cut
            and _mended(case, report, found.seen, whole=whole and case.entity in uploaded)
        ]
        made.refused = [int(fault["record"]) for fault in errors]
        made.replaced = [
            row.id for row in waiting if whole or any((row.entity, pair) in found.good for pair in row.names)
        ]
    met = repeated | set(made.fixed)
    touched = [case.last_task for case in cases if case.id in met]
    before = Counter(number for number in touched if number != task.id)
    made.parent = max(before, key=lambda number: (before[number], number), default=None)
    return made


@dataclass
class _Found:
    rows: dict[Place, Sent] = field(default_factory=dict)
    #: Names of records in the file, and those in rows that nothing is wrong with.
    seen: set[tuple[str, Pair]] = field(default_factory=set)
    good: set[tuple[str, Pair]] = field(default_factory=set)


def _look(
    read: Callable[..., Iterable[Sent]], faults: Iterable[Mapping[str, Any]], asked_for: Iterable[Case | ParkedRow]
) -> tuple[_Found, FeedEngineError | OSError | None]:
    """The rows that faults stand in, and which of the names that open cases and waiting rows have are in the file.

    `read` takes `places` and `names`, as `engine.sent` does. Where it cannot read on, what was found till then and why
    it ended: the task has ended too, and must be closed.
    """
    found = _Found()
    wanted = {_place(fault) for fault in faults}
    bad = {_place(fault) for fault in faults if fault["severity"] != "warning"}
    names = {(each.entity, *pair) for each in asked_for for pair in each.names}
    if not wanted and not names:
        return found, None
    try:
        for row in read(places=sorted(wanted), names=sorted(names)):
            place = (row.member, row.entity, row.record)
            if place in wanted:
                found.rows[place] = row
            there = {(row.entity, name) for name in row.names}
            found.seen |= there
            if place not in bad:
                found.good |= there
    except (FeedEngineError, OSError) as error:
        return found, error
    return found, None


def _reading(
    store: Store, path: Path, terms: Terms, uploaded: Sequence[str], report: Mapping[str, Any]
) -> Callable[..., Iterator[Sent]]:
    """What gives rows of the feed. One that the engine wrote itself is plain, whatever the profile says."""
    one = uploaded[0] if len(uploaded) == 1 and not report.get("own") else None
    request = rereading(store, terms, one)
    fingerprint = report["file"]["fingerprint"]

    def read(**wanted: Any) -> Iterator[Sent]:
        engine.must_be(path, fingerprint)
        return engine.sent(path, request, store.secret, store.tmp, **wanted)

    return read


def _about_row(fault: Mapping[str, Any]) -> bool:
    return bool(fault.get("record")) and bool(fault.get("entity"))


def _place(fault: Mapping[str, Any]) -> Place:
    return (str(fault["member"]), str(fault["entity"]), int(fault["record"]))


def _shown(fault: Mapping[str, Any], found: _Found, terms: Terms) -> dict[str, Any]:
    row = found.rows.get(_place(fault))
    identity: Sequence[Pair]
    if row is not None:
        identity = row.identity
    elif fault.get("key"):
        identity = ((str(terms.spec(str(fault["entity"]))["fields"][0]["name"]), str(fault["key"])),)
    else:
        identity = (("record", str(fault["record"])),)
    return case(fault, identity, row)


def case(fault: Mapping[str, Any], identity: Sequence[Pair], row: Sent | None) -> dict[str, Any]:
    """A fault as `Cases.show` takes it."""
    kept = row if fault["code"] in CONFLICTS else None
    return {
        **_said(fault),
        "identity": text(identity),
        "pairs": identity,
        "entity": fault["entity"],
        "row": dict(kept.values) if kept else None,
        "sent": kept.element if kept else None,
    }


def _of_file(fault: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    identity = (("file", str(report["operation"])),)
    return {**_said(fault), "identity": text(identity), "pairs": identity, "entity": fault.get("entity") or ""}


def of_error(error: Mapping[str, Any], operation: str, file: str | None) -> dict[str, Any]:
    """What is shown by a file that could not be read at all."""
    identity = text((("file", operation),))
    return {**_said({**error, "file": file}), "identity": identity, "entity": "", "code": error["code"]}


def _said(fault: Mapping[str, Any]) -> dict[str, Any]:
    names = ("code", "family", "owner", "value", "message", "hint", "file", "member", "line", "related")
    return {
        **{name: fault.get(name) for name in names},
        "column": fault.get("column") or "",
        "record": fault.get("key"),
        "record_number": fault.get("record"),
    }


def _repeated(shown: Sequence[dict[str, Any]], cases: Iterable[Case]) -> set[int]:
    """Open cases that are shown again; a fault whose record has other identifiers by now is told its `case`."""
    left = {(case.entity, case.column, case.code, case.identity): case.id for case in cases}
    found: set[int] = set()
    strangers = []
    for fault in shown:
        number = left.pop((fault["entity"], fault["column"], fault["code"], fault["identity"]), None)
        if number is None:
            strangers.append(fault)
        else:
            found.add(number)
    if not strangers or not left:
        return found
    unmet = set(left.values())
    by_pair: dict[tuple[str, str, str, Pair], int] = {}
    for case in cases:
        if case.id in unmet:
            for pair in case.names:
                by_pair.setdefault((case.entity, case.column, case.code, pair), case.id)
    for fault in strangers:
        for pair in fault["pairs"]:
            number = by_pair.get((fault["entity"], fault["column"], fault["code"], pair))
            if number is not None and number not in found:
                found.add(number)
                fault["case"] = number
                break
    return found


def _cut(report: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Entities and codes of which not all faults are listed: silence says nothing about them."""
    listed = Counter((str(fault.get("entity") or ""), fault["code"]) for fault in report["problems"]["list"])
    return {
        place
        for entry in report["problems"]["by_code"]
        if entry["count"] > listed[place := (str(entry.get("entity") or ""), entry["code"])]
    }


def _mended(case: Case, report: Mapping[str, Any], seen: set[tuple[str, Pair]], *, whole: bool) -> bool:
    kind, said = case.names[0]
    if kind == "file":
        return said == str(report["operation"])
    return whole or any((case.entity, pair) in seen for pair in case.names)
