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
from feedengine.ledger.cases import CONFLICTS, Case, Cases
from feedengine.ledger.parked import Parked, ParkedRow
from feedengine.remedy.naming import Naming, Pair, text
from feedengine.remedy.parking import RETRY

if TYPE_CHECKING:
    from feedengine.ledger import Ledger, Task
    from feedengine.remedy.rows import Row
    from feedengine.remedy.terms import Terms
    from feedengine.store import Store

#: Where a row stands: member, entity, number.
Place = tuple[str, str, int]


@dataclass
class Aftermath:
    """To be noted in the transaction that ends the task."""

    task: int
    key: str
    section: str
    shown: list[dict[str, Any]] = field(default_factory=list)
    fixed: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    done: bool = False
    parent: int | None = None

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
    found = _look(_reading(store, path, terms, uploaded, report), terms, faults, asked)
    for fault in faults:
        row = found.rows.get(_place(fault))
        fault["owner"] = row.get(terms.owners.get(str(fault["entity"]), ""), "").strip() or None if row else None
    errors = [fault for fault in faults if fault["severity"] != "warning"]
    namings = {str(spec["name"]): Naming(spec) for spec in terms.entities}
    made.shown = [_shown(fault, found, namings[str(fault["entity"])]) for fault in errors]
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
    rows: dict[Place, Mapping[str, str]] = field(default_factory=dict)
    #: Names of records in the file, and those in rows that nothing is wrong with.
    seen: set[tuple[str, Pair]] = field(default_factory=set)
    good: set[tuple[str, Pair]] = field(default_factory=set)


def _reading(
    store: Store, path: Path, terms: Terms, uploaded: Sequence[str], report: Mapping[str, Any]
) -> Callable[[], Iterator[Row]]:
    """What gives the rows of the feed. Those that the engine wrote itself are plain, whatever the profile says."""
    one = uploaded[0] if len(uploaded) == 1 and not report.get("own") else None
    form = terms.form(one) if one else {}

    def foreign(feed: Path) -> Iterator[tuple[str, str, int, Mapping[str, str]]]:
        named = {name: value for name, value in form.items() if name != "delimiter"}
        request = {
            "operation": "sync",
            "entities": terms.entities,
            "temp_dir": str(store.tmp),
            "settings": {"delimiter": form["delimiter"]} if "delimiter" in form else {},
            **({"entity": one} if one else {}),
            **({"format": named} if named else {}),
        }
        return engine.sent(feed, request, store.secret, store.tmp)

    def read() -> Iterator[Row]:
        # Most tasks have nothing to look for, and need not load what reads archives.
        from feedengine.remedy import rows

        return rows.read(path, terms.entities, uploaded, form, foreign)

    return read


def _look(
    read: Callable[[], Iterator[Row]],
    terms: Terms,
    faults: Iterable[Mapping[str, Any]],
    asked_for: Sequence[Case | ParkedRow],
) -> _Found:
    """The rows that faults stand in, and which of the names that open cases and waiting rows have are in the file."""
    found = _Found()
    wanted = {_place(fault) for fault in faults}
    bad = {_place(fault) for fault in faults if fault["severity"] != "warning"}
    asked = {(each.entity, pair) for each in asked_for for pair in each.names}
    if not wanted and not asked:
        return found
    namings = {str(spec["name"]): Naming(spec) for spec in terms.entities}
    unnamed = {entity for entity, (name, _) in asked if name == "row"}
    try:
        for row in read():
            place = (row.member, row.entity, row.record)
            if place in wanted:
                found.rows[place] = row.values
            if asked:
                naming = namings[row.entity]
                named = naming.every(row.values)
                if row.entity in unnamed and naming.pairs(row.values):
                    named = (*named, *naming.content(row.values))
                there = {each for pair in named if (each := (row.entity, pair)) in asked}
                found.seen |= there
                if place not in bad:
                    found.good |= there
    except Exception:
        # What the engine could read and this cannot, whatever it is: the task is applied and must be closed. Its cases
        # stay open until a sync, or a person, closes them.
        return found
    return found


def _about_row(fault: Mapping[str, Any]) -> bool:
    return bool(fault.get("record")) and bool(fault.get("entity"))


def _place(fault: Mapping[str, Any]) -> Place:
    return (str(fault["member"]), str(fault["entity"]), int(fault["record"]))


def _shown(fault: Mapping[str, Any], found: _Found, naming: Naming) -> dict[str, Any]:
    row = found.rows.get(_place(fault))
    identity: Sequence[Pair]
    if row is not None:
        identity = naming.pairs(row) or naming.content(row)
    elif fault.get("key"):
        identity = ((naming.key, str(fault["key"])),)
    else:
        identity = (("record", str(fault["record"])),)
    return case(fault, identity, row)


def case(fault: Mapping[str, Any], identity: Sequence[Pair], row: Mapping[str, str] | None) -> dict[str, Any]:
    """A fault as `Cases.show` takes it."""
    return {
        **_said(fault),
        "identity": text(identity),
        "pairs": identity,
        "entity": fault["entity"],
        "row": dict(row) if row is not None and fault["code"] in CONFLICTS else None,
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
