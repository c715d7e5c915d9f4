"""What the rows of a file mean, worked out the slow way: loops over all pairs, again until nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, field

Record = dict[str, str]
KEY = "system_id"
KEYS_ONLY = ("delete", "whitelist")
REPLACE = ("sync", "delta")
CREATES = ("sync", "delta", "patchdeltacreate")


@dataclass(frozen=True)
class Rules:
    """An entity's identity in plain words."""

    ids: tuple[str, ...]
    weak: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    path: str | None = None
    path_missing: str = "reject"
    # field, the other entity (None: the same one), its field, what a missing record does
    links: tuple[tuple[str, str | None, str, str], ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every field that is compared."""
        every = (*self.ids, *self.weak, *self.unique, *((self.path,) if self.path else ()))
        return tuple(dict.fromkeys(every))

    def form(self, name: str, value: str | None) -> str | None:
        """A value as it is compared; None for none."""
        if value is None or not value.strip():
            return None
        if name == self.path:
            way = steps(value)
            return None if way is None else "\x1f".join(way)
        if name in self.weak:
            return "".join(letter for letter in value.lower() if letter.isalnum()) or value.strip()
        return value


def steps(path: str) -> list[str] | None:
    """The steps of ``A > B``; None if one is empty."""
    found = [step.strip() for step in path.split(">")]
    return found if all(found) else None


@dataclass
class Meant:
    """What one row means."""

    values: Record
    key: str | None = None
    by: str | None = None
    bad: bool = False
    ignored: bool = False
    silent: bool = False
    candidates: set[str] = field(default_factory=set)
    contested: list[tuple[str, str]] = field(default_factory=list)
    needs: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Outcome:
    """Everything that a file does to one entity."""

    faults: set[tuple[str, int]] = field(default_factory=set)
    #: Faults that are about one cell of the row, with its column.
    cells: set[tuple[str, int, str]] = field(default_factory=set)
    after: dict[str, Record] = field(default_factory=dict)
    created: list[Record] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    parked: set[int] = field(default_factory=set)
    matched_by: dict[str, int] = field(default_factory=dict)


class File:
    """One file of rows against the stored records of its entity and those of others."""

    def __init__(
        self, rules: Rules, operation: str, stored: dict[str, Record], others: dict[str, list[Record]]
    ) -> None:
        self.rules, self.operation, self.stored, self.others = rules, operation, stored, others
        self.out = Outcome()
        self.rows: list[Meant] = []

    def fault(self, code: str, at: int, column: str | None = None) -> None:
        self.out.faults.add((code, at + 1))
        if column is not None:
            self.out.cells.add((code, at + 1, column))

    def same(self, name: str, record: Record, value: str | None) -> bool:
        form = self.rules.form(name, value)
        return form is not None and form == self.rules.form(name, record.get(name))

    def holders(self, name: str, value: str) -> list[str]:
        return [key for key, record in self.stored.items() if self.same(name, record, value)]

    def value(self, at: int, name: str) -> str | None:
        return self.rules.form(name, self.rows[at].values.get(name))

    # one row

    def meant(self, at: int, values: Record) -> Meant:
        rules, row = self.rules, Meant(values)
        if not any(values.get(name) for name in (KEY, *rules.ids, *rules.weak)):
            self.fault("MISSING_KEY", at)
            row.bad = row.silent = True
            return row
        self.match(at, row)
        if row.bad:
            return row
        if row.key is not None:
            self.agree(at, row)
        for name in (*rules.ids, *rules.unique):
            value = values.get(name)
            other = self.holders(name, value) if value else []
            if other and row.key not in other and not row.bad:
                row.contested.append((name, other[0]))
        return row

    def match(self, at: int, row: Meant) -> None:
        rules, values = self.rules, row.values
        if KEY in values:
            if values[KEY].lower() in self.stored:
                row.key, row.by = values[KEY].lower(), KEY
            elif self.operation not in KEYS_ONLY:
                self.fault("UNKNOWN_SYSTEM_ID", at)
                row.bad = True
            return
        for name in rules.ids:
            found = self.holders(name, values[name]) if name in values else []
            if found:
                row.key, row.by = found[0], name
                return
        for name in rules.weak:
            found = self.holders(name, values[name]) if name in values else []
            found = [key for key in found if not any(g in values and g in self.stored[key] for g in rules.ids)]
            if len(found) == 1:
                row.key, row.by = found[0], name
                self.fault("WEAK_MATCH", at, name)
                return
            if found:
                self.fault("AMBIGUOUS_MATCH", at, name)
                row.bad, row.candidates = True, set(found[:10])
                return

    def agree(self, at: int, row: Meant) -> None:
        if row.by == KEY and self.operation not in KEYS_ONLY:
            return
        assert row.key is not None
        for name in self.rules.ids:
            value = row.values.get(name)
            if value is None or name == self.rules.path or self.same(name, self.stored[row.key], value):
                continue
            others = self.holders(name, value)
            if others or name in self.stored[row.key]:
                self.fault("KEY_CONFLICT", at, name)
                row.bad = True
                row.candidates |= {row.key, *others[:1]}

    # what a row names

    def names(self, at: int, row: Meant) -> None:
        for name, other, target, missing in self.rules.links:
            value = row.values.get(name)
            if value is None:
                continue
            there = self.stored.values() if other is None else self.others[other]
            if any(record.get(target) == value for record in there):
                continue
            if other is None or missing == "park":
                row.needs.append((target if other is None else "", value, missing))
            else:
                self.fault("UNKNOWN_REFERENCE", at)
                row.bad |= missing in ("reject", "fail")
        if self.rules.path and self.rules.path in row.values:
            way = steps(row.values[self.rules.path])
            if way is None:
                self.fault("BAD_PATH", at)
                row.bad = True
            elif len(way) > 1 and not self.holders(self.rules.path, " > ".join(way[:-1])):
                row.needs.append((self.rules.path, " > ".join(way[:-1]), self.rules.path_missing))

    # all rows

    def judge(self, rows: list[Record]) -> Outcome:
        keys_only = self.operation in KEYS_ONLY
        for at, values in enumerate(rows):
            row = self.meant(at, values)
            self.rows.append(row)
            if row.silent or keys_only:
                continue
            if row.key is None and self.operation not in CREATES:
                row.silent = True
                if not row.bad:
                    row.ignored = self.operation == "patchdeltaignore"
                    if self.operation == "patchdelta":
                        self.fault("UNKNOWN_RECORD", at)
                        row.bad = True
                continue
            self.names(at, row)
        if keys_only:
            return self.listed()
        fallen = self.shared()
        rejected = set(fallen)
        again = True
        while again:
            again = False
            for at, row in enumerate(self.rows):
                if row.bad or row.silent:
                    continue
                for missing in self.unmet(at, row, fallen):
                    if missing in ("reject", "fail"):
                        again |= at not in rejected
                        rejected.add(at)
                    if missing != "warn":
                        again |= at not in fallen
                        fallen.add(at)
        for at, row in enumerate(self.rows):
            if not (row.bad or row.silent):
                for missing in self.unmet(at, row, fallen, tell=True):
                    assert missing
        return self.apply(fallen, rejected)

    def shared(self) -> set[int]:
        fallen = set()
        claims = [at for at, row in enumerate(self.rows) if not row.silent]
        pairs = [(a, b) for a in claims for b in claims if a != b]
        path = self.rules.path

        def duplicate(one: int, other: int, name: str | None) -> None:
            moved = path and name != path and self.value(one, path) and self.value(other, path)
            moved = moved and self.value(one, path) != self.value(other, path)
            fallen.add(one)
            groups.setdefault((one, name), bool(moved))
            groups[one, name] |= bool(moved)

        groups: dict[tuple[int, str | None], bool] = {}
        for one, other in pairs:
            for name in (*self.rules.ids, *self.rules.unique):
                if self.value(one, name) is not None and self.value(one, name) == self.value(other, name):
                    duplicate(one, other, name)
        by_value = set(fallen)
        for one, other in pairs:
            key = self.rows[one].key
            if key is not None and key == self.rows[other].key:
                mates = {at for at in claims if self.rows[at].key == key}
                if not mates <= by_value:
                    duplicate(one, other, None)
        self.tell_groups(groups)
        for one, other in pairs:
            for name in self.rules.weak:
                alike = self.value(one, name) is not None and self.value(one, name) == self.value(other, name)
                given = self.rows[one].values
                new = self.rows[one].key is None and self.rows[other].key is None
                if alike and new and not any(g in given for g in (KEY, *self.rules.ids)):
                    self.fault("AMBIGUOUS_MATCH", one, name)
                    fallen.add(one)
        return fallen

    def tell_groups(self, groups: dict[tuple[int, str | None], bool]) -> None:
        """A group is of one code for all its rows."""
        for (at, name), _ in groups.items():
            mates = [
                moved for (other, known), moved in groups.items()
                if known == name and (
                    self.rows[other].key == self.rows[at].key if name is None
                    else self.value(other, name) == self.value(at, name)
                )
            ]  # fmt: skip
            if any(mates):
                self.fault("PATH_CONFLICT", at, self.rules.path)
            else:
                # Rows of one record that share no value: each is told by what it was found by.
                self.fault("DUPLICATE_KEY", at, name or self.rows[at].by)

    def unmet(self, at: int, row: Meant, fallen: set[int], *, tell: bool = False) -> list[str]:
        stand = [i for i, other in enumerate(self.rows) if i not in fallen and not other.bad and not other.silent]
        lacks = []
        for name, holder in row.contested:
            if not any(self.rows[i].key == holder and self.gives_up(i, name) for i in stand):
                lacks.append("reject")
                if tell:
                    self.fault("KEY_CONFLICT", at, name)
        for name, value, missing in row.needs:
            wanted = self.rules.form(name, value)
            if not (name and any(self.value(i, name) == wanted for i in stand)):
                lacks.append(missing)
                if tell:
                    code = "MISSING_LINK" if name == self.rules.path else "UNKNOWN_REFERENCE"
                    self.fault("PARKED" if missing == "park" else code, at)
        return lacks

    def gives_up(self, at: int, name: str) -> bool:
        row = self.rows[at]
        assert row.key is not None
        old, new = self.rules.form(name, self.stored[row.key].get(name)), self.value(at, name)
        if old is None or (new is None and self.operation not in REPLACE):
            return False
        return old != new

    # what it comes to

    def apply(self, fallen: set[int], rejected: set[int]) -> Outcome:
        out, counts = self.out, dict.fromkeys(("added", "changed", "unchanged", "rejected", "parked", "removed"), 0)
        after = dict(self.stored)
        named, kept = set(), set()
        for at, row in enumerate(self.rows):
            values = {name: value for name, value in row.values.items() if name != KEY}
            if row.bad or at in fallen:
                parked = not row.bad and at not in rejected
                counts["parked" if parked else "rejected"] += 1
                if parked:
                    out.parked.add(at + 1)
                kept |= row.candidates | ({row.key} if row.key else set())
                kept |= set() if row.bad else {holder for _, holder in row.contested}
            elif row.ignored:
                pass
            elif row.key is None:
                counts["added"] += 1
                out.created.append(values)
            else:
                named.add(row.key)
                out.matched_by[str(row.by)] = out.matched_by.get(str(row.by), 0) + 1
                old = self.stored[row.key]
                after[row.key] = values if self.operation in REPLACE else {**old, **values}
                counts["unchanged" if after[row.key] == old else "changed"] += 1
        if self.operation == "sync":
            for key in set(after) - named - kept:
                del after[key]
                counts["removed"] += 1
        out.after, out.counts = after, counts
        return out

    def listed(self) -> Outcome:
        out, named, kept = self.out, set(), set()
        for at, row in enumerate(self.rows):
            if row.bad:
                kept |= row.candidates | ({row.key} if row.key else set())
            elif row.key is None:
                self.fault("UNKNOWN_ID", at)
            else:
                named.add(row.key)
                out.matched_by[str(row.by)] = out.matched_by.get(str(row.by), 0) + 1
        goes = named - kept if self.operation == "delete" else set(self.stored) - named - kept
        out.after = {key: record for key, record in self.stored.items() if key not in goes}
        out.counts = {"removed": len(goes), "rejected": sum(row.bad for row in self.rows), "parked": 0}
        return out
