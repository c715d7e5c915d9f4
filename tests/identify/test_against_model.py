"""Random catalogs and files: faults, counts, who matched whom and what is left, as the model says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identify.desk import Answer, Desk, Row, Spec, entity, plain, text
from identify.model import CREATES, KEY, KEYS_ONLY, File, Outcome, Rules

OPERATIONS = ("patchdeltacreate", "sync", "delta", "patchdelta", "patchdeltaignore", "delete", "whitelist")
MISSING = ("reject", "park", "warn")
OWNERS = ["O1", "O2"]
#: Faults that are about one cell of a row.
OF_CELLS = ("DUPLICATE_KEY", "PATH_CONFLICT", "KEY_CONFLICT", "AMBIGUOUS_MATCH", "WEAK_MATCH")
#: Warnings that the model knows nothing of; `test_walk` shows them.
UNMODELLED = ("DUPLICATE_ITEM", "DELTA_NARROW", "DANGLING_REFERENCE")

Draw = list[tuple[str, list[Row]]]


def things(to_parent: str, to_owner: str) -> tuple[Spec, Rules]:
    """Records with two ids, a weak name, a unique address, a parent among themselves and an owner elsewhere."""
    names = (KEY, "reference", "sku", "name", "mail", "parent", "owner", "note")
    spec = entity(
        "things",
        [text(name) for name in names],
        identity=[{"field": KEY}, {"field": "reference"}, {"field": "sku"}, {"field": "name", "weak": True}],
        unique=["mail"],
        references=[
            {"entity": "things", "by": [["parent", "reference"]], "missing": to_parent},
            {"entity": "owners", "by": [["owner", "code"]], "missing": to_owner},
        ],
    )
    links = (("parent", None, "reference", to_parent), ("owner", "owners", "code", to_owner))
    return spec, Rules(("reference", "sku"), ("name",), ("mail",), links=links)


def tree(missing: str) -> tuple[Spec, Rules]:
    """Records with an id and a path."""
    spec = entity(
        "things",
        [text(name) for name in (KEY, "reference", "path", "note")],
        identity=[{"field": KEY}, {"field": "reference"}, {"field": "path"}],
        unique=["path"],
        path={"field": "path", "separator": ">", "missing": missing},
    )
    return spec, Rules(("reference", "path"), path="path", path_missing=missing)


def row(columns: dict[str, list[str]]) -> st.SearchStrategy[Row]:
    """A row that leaves some of its cells empty."""
    cells = {name: st.one_of(st.just(""), st.sampled_from(values)) for name, values in columns.items()}
    return st.fixed_dictionaries(cells).map(lambda cells: {name: value for name, value in cells.items() if value})


# "#n" is the system id of the n-th stored record.
THINGS = {
    KEY: ["#0", "#1", "#2", "none"], "reference": ["R1", "R2", "R3", "R4"], "sku": ["S1", "S2", "S3"],
    "name": ["Acme", "ACME, ", "Bolt", "*"], "mail": ["m1", "m2"], "parent": ["R1", "R2", "R3"],
    "owner": ["O1", "O2", "O9"], "note": ["a", "b"],
}  # fmt: skip
TREE = {
    KEY: ["#0", "#1", "none"], "reference": ["R1", "R2", "R3", "R4"], "note": ["a", "b"],
    "path": ["A", "B", "A > B", "A>B", "A > B > C", "B > A", "A > > C"],
}  # fmt: skip


def files(columns: dict[str, list[str]]) -> st.SearchStrategy[Draw]:
    """A few files, one after the other."""
    file = st.tuples(st.sampled_from(OPERATIONS), st.lists(row(columns), min_size=1, max_size=6))
    first = st.tuples(st.just("patchdeltacreate"), st.lists(row(columns), min_size=1, max_size=6))
    return st.tuples(first, st.lists(file, max_size=3)).map(lambda both: [both[0], *both[1]])


def resolved(rows: list[Row], keys: list[str], operation: str, fields: tuple[str, ...]) -> list[Row]:
    """Rows whose system ids are real ones; files of ids hold ids alone."""
    told = []
    for given_row in rows:
        one = dict(given_row)
        if one.get(KEY, "").startswith("#"):
            number = int(one.pop(KEY)[1:])
            if number < len(keys):
                one[KEY] = keys[number].upper() if number == 1 else keys[number]
        elif KEY in one:
            one[KEY] = "00000000-0000-4000-8000-000000000000"
        if operation in KEYS_ONLY:
            one = {name: value for name, value in one.items() if name in fields}
        told.append(one)
    return told


def same(desk: Desk, answer: Answer, outcome: Outcome, operation: str, before: dict[str, Row], told: list[Row]) -> None:
    """The engine's answer and the state that it left against the model's; `told` are the rows that were sent."""
    context = (operation, answer.report["problems"]["list"])
    faults = {fault for fault in answer.faults() if fault[0] not in UNMODELLED}
    assert faults == outcome.faults, context
    of_cells = [fault for code in OF_CELLS for fault in answer.listed(code)]
    assert {(fault["code"], fault["record"], fault["column"]) for fault in of_cells} == outcome.cells, context
    # What is told is what was sent, under a column that the file has; a row may leave its path to others of its record.
    assert all((fault["value"] or None) == told[fault["record"] - 1].get(fault["column"]) for fault in of_cells), (
        context
    )
    if answer.report["verdict"] == "invalid":
        assert operation == "patchdelta", context
        assert before == {record[KEY]: record for record in desk.records("things")}
        return
    counts = answer.report["entities"]["things"]
    assert {name: counts[name] for name in outcome.counts} == outcome.counts, context
    assert {name: n for name, n in counts["matched_by"].items() if n} == outcome.matched_by, context
    left = {record[KEY]: {k: v for k, v in record.items() if k != KEY} for record in desk.records("things")}
    assert {key: left.get(key) for key in outcome.after} == outcome.after, context
    new = [left[key] for key in left if key not in before]
    assert plain(new) == plain(list(outcome.created)), context
    assert len(left) == len(outcome.after) + len(outcome.created), context
    assert {row["record"] for row in answer.parked["things"]} == outcome.parked, context


def play(spec: Spec, rules: Rules, columns: list[str], drawn: Draw, **engine: int) -> list[str]:
    """Send the files; gives the system ids that are left."""
    owners = entity("owners", [text(KEY), text("code")], identity=[{"field": KEY}, {"field": "code"}])
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), [spec, owners], **engine)
        desk.send("owners", "sync", ["code"], [{"code": code} for code in OWNERS])
        others: dict[str, list[Row]] = {"owners": desk.records("owners")}
        for operation, rows in drawn:
            stored = {record[KEY]: record for record in desk.records("things")}
            keys = sorted(stored)
            ids = (KEY, *rules.ids, *rules.weak)
            told = resolved(rows, keys, operation, ids)
            plainly = {key: {k: v for k, v in one.items() if k != KEY} for key, one in stored.items()}
            outcome = File(rules, operation, plainly, others).judge(told)
            given_columns = [name for name in columns if operation not in KEYS_ONLY or name in ids]
            answer = desk.send("things", operation, given_columns, told)
            same(desk, answer, outcome, operation, stored, told)
        return sorted(record[KEY] for record in desk.records("things"))


RUNS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.feature("W21", "W22", "W23", "W26", "W29", "W33", "W35")
@RUNS
@given(st.sampled_from(MISSING), st.sampled_from(MISSING), files(THINGS))
def test_rows_mean_what_the_model_says(to_parent: str, to_owner: str, drawn: Draw) -> None:
    spec, rules = things(to_parent, to_owner)
    one = play(spec, rules, list(THINGS), drawn)
    assert play(spec, rules, list(THINGS), drawn, threads=2, block=64, memory=0) == one, "ids do not depend on threads"


@pytest.mark.feature("W30", "W31")
@RUNS
@given(st.sampled_from(MISSING), files(TREE))
def test_paths_mean_what_the_model_says(missing: str, drawn: Draw) -> None:
    spec, rules = tree(missing)
    one = play(spec, rules, list(TREE), drawn)
    assert play(spec, rules, list(TREE), drawn, threads=2, block=64, memory=0) == one


def test_every_operation_is_tried() -> None:
    assert set(CREATES) | set(KEYS_ONLY) <= set(OPERATIONS)
