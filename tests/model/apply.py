"""One operation on one catalog: the truth tables, one after the other (spec 2a-2e)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .faults import FILE, ROW, WARNING, Fault
from .guard import Share, judge
from .merge import extra_columns, key_fault, result
from .relations import cyclic, orphans_of, parents
from .rows import SET, Cell, Feed, Row, Section
from .settings import Settings
from .spec import ENTITIES, GROUPS, ID_ONLY, ITEMS, PATCHES, VARIATIONS, Entity
from .state import Record, State, Table, data_size, is_active

COUNTS = (
    *("rows", "before", "after", "added", "changed", "unchanged", "removed", "rejected", "ignored", "listed"),
    *("duplicates", "merged", "unknown", "cascaded", "deactivated", "active_before", "lost", "data_bytes"),
)


@dataclass
class Outcome:
    """What one upload does: the state after it, counts per entity, verdict, faults, the safeguard's numbers."""

    state: State
    verdict: str = "apply"
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    fields: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    shares: dict[str, Share] = field(default_factory=dict)

    def codes(self) -> dict[str, list[int]]:
        """Codes with the numbers of their records; of an invalid upload only what makes it so."""
        found: dict[str, list[int]] = {}
        for fault in self.faults:
            if self.verdict != "invalid" or fault.severity != WARNING:
                found.setdefault(fault.code, []).append(fault.record)
        return {code: sorted(records) for code, records in sorted(found.items())}


class Task:
    """One upload on its way through the rules; one method per step, in their order."""

    def __init__(self, state: State, section: str, feed: Feed, operation: str, force: bool, settings: Settings):
        """Take copies of everything: the state given is never changed."""
        self.state, self.section, self.feed = state, section, feed
        self.operation, self.force, self.settings = operation, force, settings
        self.before = {name: dict(state.table(section, name)) for name in ENTITIES}
        self.after: dict[str, Table] = {name: dict(table) for name, table in self.before.items()}
        self.kept: dict[str, list[tuple[Row, str]]] = {name: [] for name in ENTITIES}
        self.protected: dict[str, set[str]] = {name: set() for name in ENTITIES}  # named by rejected rows
        self.named_groups: dict[str, dict[str, Row]] = {name: {} for name in ENTITIES}
        self.faults: list[Fault] = list(feed.faults)
        self.counts = {name: dict.fromkeys(COUNTS, 0) for name in ENTITIES}
        self.fields: dict[str, dict[str, int]] = {name: {} for name in ENTITIES}

    def run(self) -> Outcome:
        """All steps."""
        for name, section in self.feed.sections.items():
            entity = ENTITIES[name]
            self.counts[name]["rows"] = len(section.rows)
            if not section.rows:
                self.fault("EMPTY_ENTITY", entity)
            elif self.operation in ID_ONLY:
                self.by_ids(entity, section)
            else:
                self.upsert(entity, section)
                self.check_narrow(entity, section)
        self.cascade()
        self.check_owners()
        self.check_groups()
        self.check_sizes()
        self.count()
        return self.conclude()

    def fault(self, code: str, entity: Entity, row: Row | None = None, raised: str | None = None) -> None:
        key = row.set_text("id") if row else None
        self.faults.append(Fault(code, entity.name, row.record if row else 0, key, raised=raised))

    def reject(self, entity: Entity, row: Row) -> bool:
        """Whether the row has a fault that keeps it from being applied."""
        return any(one.severity == ROW for one in row.faults)

    # -- which rows count ---------------------------------------------------------------------------------------

    def usable(self, entity: Entity, section: Section) -> Iterator[tuple[Row, str]]:
        """Rows that can be read and have a key; legacy group rows joined (2d)."""
        found = []
        counts = self.counts[entity.name]
        for row in section.rows:
            code = key_fault(entity, row)
            if code:
                row.faults.append(Fault(code, entity.name, row.record, None, "id"))
            if self.rejected(entity, row, row.set_text("id") or ""):
                continue
            key = row.set_text("id") or ""
            older = next((one for one, other in found if other == key and one.legacy and row.legacy), None)
            if older is not None:
                found.remove((older, key))
                counts["ignored"] += 1
                if self.join_legacy(entity, older, row):
                    counts["merged"] += 1
                else:
                    self.duplicate(entity, row)
            found.append((row, key))
        yield from found

    def duplicate(self, entity: Entity, row: Row) -> None:
        """The row's id was given before: the later row counts (2c)."""
        self.counts[entity.name]["duplicates"] += 1
        self.fault("DUPLICATE_ITEM", entity, row, FILE if self.settings.duplicates == "fail" else None)

    def rejected(self, entity: Entity, row: Row, key: str) -> bool:
        """Report the row's faults; whether they keep it from being applied. Then what it names stays as it is."""
        bad = self.reject(entity, row)
        self.faults += row.faults
        row.faults = []
        if bad:
            self.counts[entity.name]["rejected"] += 1
            self.protected[entity.name].add(key)
        return bad

    def join_legacy(self, entity: Entity, older: Row, row: Row) -> bool:
        """Several legacy rows of one group are one group with several parents (2d); whether this row adds one."""
        old, new = (one.cells[entity.parents or ""].plain or () for one in (older, row))
        row.cells[entity.parents or ""] = Cell("set", "list", tuple(dict.fromkeys((*old, *new))))
        if older.set_text("name") != row.set_text("name"):
            self.fault("CONFLICTING_NAMES", entity, row)
        return old != new and not set(old) & set(new)

    # -- operations ---------------------------------------------------------------------------------------------

    def upsert(self, entity: Entity, section: Section) -> None:
        """sync, delta and the patches (2a, 2b)."""
        counts, table = self.counts[entity.name], self.after[entity.name]
        last: dict[str, tuple[Row, Record]] = {}
        for row, key in self.usable(entity, section):
            stored = self.before[entity.name].get(key)
            if stored is None and self.operation == "patchdelta":
                # Published is that the file fails; where bad rows alone are left out, this is one.
                counts["rejected"] += 1
                self.fault("UNKNOWN_RECORD", entity, row, ROW if self.settings.rows == "reject" else None)
                continue
            if stored is None and self.operation == "patchdeltaignore":
                counts["unknown"] += 1
                counts["ignored"] += 1
                continue
            record = result(entity, row, stored, self.operation, self.settings)
            if self.rejected(entity, row, key):
                continue
            self.name_groups(entity, row, record, stored)
            if last.pop(key, None):
                counts["ignored"] += 1
                self.duplicate(entity, row)
            last[key] = (row, record)
        for key, (row, record) in last.items():
            stored, owner = self.before[entity.name].get(key), entity.owner
            if owner and stored is not None and stored[owner] != record[owner] and self.operation in PATCHES:
                self.fault("VARIATION_MOVED", entity, row)
            table[key] = record
            self.kept[entity.name].append((row, key))
        if self.operation == "sync":
            for key in set(table) - set(last) - self.protected[entity.name]:
                del table[key]

    def name_groups(self, entity: Entity, row: Row, record: Record, stored: Record | None) -> None:
        """Remember the first row that names each group; a row that repeats the stored record names none anew."""
        if self.operation in PATCHES and stored is not None:
            cell = row.cells.get("group_ids")
            named = [*(cell.plain if cell and cell.state == SET else ()), *row.add.get("group_ids", ())]
        else:
            named = [] if record == stored or "group_ids" not in record else list(record["group_ids"].plain)
        for group in named:
            self.named_groups[entity.name].setdefault(group, row)

    def by_ids(self, entity: Entity, section: Section) -> None:
        """delete and whitelist: only ids, anything else fails (2b)."""
        counts, table = self.counts[entity.name], self.after[entity.name]
        if section.extra or set(section.columns) - {"id"} or any(extra_columns(entity, one) for one in section.rows):
            self.fault("EXTRA_COLUMN", entity)
        named: dict[str, Row] = {}
        for row, key in self.usable(entity, section):
            if key in named:
                counts["ignored"] += 1
                self.duplicate(entity, row)
                named[key] = row
            elif key in table:
                named[key] = row
                counts["listed"] += 1
            else:
                counts["unknown"] += 1
                counts["ignored"] += 1
                self.fault("UNKNOWN_ID", entity, row, FILE if self.settings.delete_unknown == "fail" else None)
        self.kept[entity.name] = [(row, key) for key, row in named.items()]
        if self.operation == "whitelist":
            counts["unchanged"], counts["listed"] = counts["listed"], 0
        for key in list(table):
            if (key in named) == (self.operation == "delete"):
                del table[key]

    def check_narrow(self, entity: Entity, section: Section) -> None:
        """A delta whose header lacks columns of the catalog was probably meant as a patch (C16)."""
        stored = {name for record in self.before[entity.name].values() for name in record}
        if self.operation == "delta" and section.header and stored - set(section.columns):
            self.fault("DELTA_NARROW", entity)

    # -- relations ----------------------------------------------------------------------------------------------

    def cascade(self) -> None:
        """A removed item takes its variations along (2a, 2d)."""
        gone = set(self.before[ITEMS.name]) - set(self.after[ITEMS.name])
        variations = self.after[VARIATIONS.name]
        uploaded = {key for _, key in self.kept[VARIATIONS.name]}
        if not self.settings.cascade:
            return
        for key in list(variations):
            if str(variations[key]["item_id"].plain) in gone:
                if key in uploaded and self.operation not in ID_ONLY:
                    continue  # an orphan: see check_owners
                if key in uploaded:
                    row = next(row for row, one in self.kept[VARIATIONS.name] if one == key)
                    self.fault("CASCADED", VARIATIONS, row)
                    self.counts[VARIATIONS.name]["unchanged"] -= 1
                    self.counts[VARIATIONS.name]["ignored"] += 1
                del variations[key]
                self.counts[VARIATIONS.name]["cascaded"] += 1

    def check_owners(self) -> None:
        """A variation in the upload needs its item in the state after it (2d)."""
        if self.operation in ID_ONLY:
            return
        orphans = orphans_of(VARIATIONS, self.after[VARIATIONS.name], self.after[ITEMS.name])
        for row, key in self.kept[VARIATIONS.name]:
            if key in orphans:
                skip = self.settings.orphan_variations == "skip"
                self.fault("ORPHAN", VARIATIONS, row, WARNING if skip else FILE)
                stored = self.before[VARIATIONS.name].get(key)
                self.counts[VARIATIONS.name]["ignored" if skip else "rejected"] += 1
                # What is stored stays, even where it hangs in the air already; but not where its item goes now.
                gone = set(self.before[ITEMS.name]) - set(self.after[ITEMS.name]) if self.settings.cascade else set()
                if stored is not None and str(stored["item_id"].plain) not in gone:
                    self.after[VARIATIONS.name][key] = stored
                else:
                    del self.after[VARIATIONS.name][key]
                    self.counts[VARIATIONS.name]["cascaded"] += stored is not None
        self.kept[VARIATIONS.name] = [(row, key) for row, key in self.kept[VARIATIONS.name] if key not in orphans]

    def check_groups(self) -> None:
        """References to groups, and the graph of groups (2d)."""
        groups, field_name = self.after[GROUPS.name], GROUPS.parents or ""
        for entity in (ITEMS, VARIATIONS):
            for group, row in self.named_groups[entity.name].items():
                if group not in groups:
                    raised = FILE if self.settings.unknown_groups == "fail" else None
                    self.fault("UNKNOWN_GROUP", entity, row, raised)
        if GROUPS.name not in self.feed.sections:
            return
        if self.operation not in ("sync", "delta", "whitelist") and groups == self.before[GROUPS.name]:
            return  # a patch or delete that changes nothing says nothing of the groups either
        gone = set(self.before[GROUPS.name]) - set(groups)
        in_file = {key: row for row, key in self.kept[GROUPS.name]}
        for key, record in groups.items():
            for parent in parents(record, field_name):
                if parent not in groups:
                    code = "GROUP_HAS_CHILDREN" if parent in gone else "UNKNOWN_PARENT"
                    if self.operation in ID_ONLY:
                        self.fault("GROUP_HAS_CHILDREN", GROUPS)
                    else:
                        self.fault(code, GROUPS, in_file.get(key))
        if cyclic(groups, field_name):
            self.fault("GROUP_CYCLE", GROUPS)
        if sum(not parents(record, field_name) for record in groups.values()) > 1:
            self.fault("SEVERAL_ROOTS", GROUPS, None, FILE if self.settings.several_roots == "fail" else None)
        pointed = {
            one
            for section in {**self.state.sections, self.section: self.after}.values()
            for name in (ITEMS.name, VARIATIONS.name)
            for key, record in section.get(name, {}).items()
            # a record that the upload changes has its own warning, UNKNOWN_GROUP
            if "group_ids" in record and (section is not self.after or self.before[name].get(key) == record)
            for one in record["group_ids"].plain
        }
        if pointed & gone:
            self.fault("DANGLING_GROUP", GROUPS)

    def check_sizes(self) -> None:
        """Averages over the state after the upload (2e)."""
        for size_class in ("items", "item_groups"):
            entities = [one for one in ENTITIES.values() if one.size_class == size_class]
            sizes = [data_size(one, record) for one in entities for record in self.after[one.name].values()]
            if sizes and sum(sizes) > entities[0].max_average * len(sizes):
                self.fault("AVERAGE_TOO_LARGE", entities[0])

    # -- numbers and verdict ------------------------------------------------------------------------------------

    def count(self) -> None:
        """Everything that can be told by comparing before with after."""
        for name, entity in ENTITIES.items():
            before, after, counts = self.before[name], self.after[name], self.counts[name]
            counts["before"], counts["after"] = len(before), len(after)
            counts["added"] = len(set(after) - set(before))
            counts["removed"] = len(set(before) - set(after))
            counts["data_bytes"] = sum(data_size(entity, record) for record in after.values())
            counts["active_before"] = sum(is_active(entity, record) for record in before.values())
            for key in set(before) & set(after):
                changed = [one for one in {*before[key], *after[key]} if before[key].get(one) != after[key].get(one)]
                counts["changed"] += bool(changed)
                for one in changed:
                    self.fields[name][one] = self.fields[name].get(one, 0) + 1
                counts["deactivated"] += is_active(entity, before[key]) and not is_active(entity, after[key])
            if self.operation not in ID_ONLY:
                counts["unchanged"] = sum(
                    counts["rows"] > 0 and key in before and before[key] == after.get(key) for _, key in self.kept[name]
                )
            active = [key for key in before if is_active(entity, before[key])]
            counts["lost"] = sum(key not in after or not is_active(entity, after[key]) for key in active)

    def at_risk(self, name: str) -> tuple[int, int, int]:
        """What the safeguard counts (2e): records lost, those among them that stay but inactive, and of how many."""
        counts = self.counts[name]
        inactive = counts["deactivated"] if self.settings.deactivation_counts else 0
        if self.settings.denominator == "all":
            return counts["removed"] + inactive, inactive, counts["before"]
        return counts["lost"] - counts["deactivated"] + inactive, inactive, counts["active_before"]

    def conclude(self) -> Outcome:
        """The verdict, and the state that follows from it."""
        shares = {}
        holds = self.settings.on_block == "hold" and any(one["removed"] for one in self.counts.values())
        for name in ENTITIES:
            lost, inactive, base = self.at_risk(name)
            shares[name] = judge(name, lost, base, self.settings)
            # To hold removals back is of no use where what would be applied is too much by itself.
            holds = holds and judge(name, inactive, base, self.settings).decision != "blocked"
        out = Outcome(self.state, "apply", self.counts, self.fields, self.faults, shares)
        bad = {FILE} if self.settings.rows == "reject" else {FILE, ROW}
        changed = any(one[what] for one in self.counts.values() for what in ("added", "changed", "removed"))
        if any(fault.severity in bad for fault in self.faults):
            out.verdict = "invalid"
        elif any(share.decision == "blocked" for share in shares.values()) and not self.force:
            out.verdict = "held" if holds else "refused"
        elif not changed:
            out.verdict = "no_change"
        if out.verdict == "apply":
            touched = {name: self.after[name] for name in ENTITIES if self.after[name] != self.before[name]}
            out.state = self.state.with_tables(self.section, touched)
        elif out.verdict == "held":
            out.state = self.state.with_tables(self.section, self.held())
        return out

    def held(self) -> dict[str, Table]:
        """Adds and changes applied, removals waiting for an approval."""
        return {name: {**self.before[name], **self.after[name]} for name in ENTITIES}


def apply(
    state: State,
    section: str,
    feed: Feed,
    operation: str,
    *,
    force: bool = False,
    settings: Settings | None = None,
) -> Outcome:
    """Apply one upload to a catalog. The feed's rows are used up: read it again to apply it again."""
    return Task(state, section, feed, operation, force, settings or Settings()).run()
