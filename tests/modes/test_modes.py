"""What rows may do to the catalog: every operation under every mode, against a model of a page."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identify.desk import Desk, Row, entity, text
from shop_of_profiles import codes, opened

REPLACE = ("sync", "delta")
MERGE = ("patchdelta", "patchdeltacreate", "patchdeltaignore")
NAMES = ("delete", "whitelist")
CREATES = ("sync", "delta", "patchdeltacreate")
MODES = ("create+enrich", "enrich-only", "fill-empty-only")
FIELDS = ("id", "name", "price")


@dataclass
class Model:
    """The records after a file, and what was wrong with its rows."""

    records: dict[str, Row]
    faults: set[tuple[str, int]] = field(default_factory=set)

    def file(self, operation: str, mode: str, rows: list[Row]) -> None:
        stored = {key: dict(record) for key, record in self.records.items()}
        last = {row["id"]: at for at, row in enumerate(rows)}
        for at, row in enumerate(rows):
            given_cells = {name: value for name, value in row.items() if value}
            known = stored.get(row["id"])
            if operation in NAMES:
                continue
            if known is None:
                self.unknown(operation, mode, at, given_cells, last[row["id"]] == at)
            elif last[row["id"]] == at:
                self.records[row["id"]] = merged(operation, mode, known, given_cells)
        if operation == "delete":
            self.records = {key: record for key, record in stored.items() if key not in last}
        if operation in ("sync", "whitelist"):
            self.records = {k: r for k, r in self.records.items() if k in last or (k not in stored)}

    def unknown(self, operation: str, mode: str, at: int, cells: Row, counts: bool) -> None:
        if operation == "patchdelta":
            self.faults.add(("UNKNOWN_RECORD", at + 1))
        elif operation in CREATES and mode == "enrich-only":
            self.faults.add(("ENRICH_ONLY", at + 1))
        elif operation in CREATES and counts:
            self.records[cells["id"]] = cells


def merged(operation: str, mode: str, known: Row, cells: Row) -> Row:
    """A stored record after its row."""
    if mode == "fill-empty-only":
        return {**cells, **known}
    return cells if operation in REPLACE else {**known, **cells}


CELLS = {"id": st.sampled_from("1234"), "name": st.sampled_from(["", "a", "b"]), "price": st.sampled_from(["", "5"])}
ROWS = st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=6)
OPERATIONS = (*REPLACE, *MERGE, *NAMES)


@pytest.mark.feature("L9")
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(ROWS, st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(MODES), ROWS), max_size=3))
def test_modes_are_those_of_the_model(first: list[Row], files: list[tuple[str, str, list[Row]]]) -> None:
    def things(mode: str) -> list[dict[str, object]]:
        given_mode = {} if mode == "create+enrich" else {"mode": mode}
        return [entity("things", [text(name) for name in FIELDS], **given_mode)]

    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), things("create+enrich"))
        model = Model({})
        for operation, mode, rows in [("sync", "create+enrich", first), *files]:
            desk.specs = things(mode)
            model.faults.clear()
            model.file(operation, mode, rows)
            columns = ["id"] if operation in NAMES else list(FIELDS)
            answer = desk.send("things", operation, columns, rows)
            faults = {fault for fault in answer.faults() if fault[0] in ("UNKNOWN_RECORD", "ENRICH_ONLY")}
            assert faults == model.faults, (operation, mode)
            left = {record["id"]: record for record in desk.records("things")}
            assert left == model.records, (operation, mode)
            assert answer.report["entities"]["things"]["rejected"] == len(model.faults)


@pytest.mark.feature("L9")
@pytest.mark.parametrize("operation", [*REPLACE, *MERGE])
def test_filling_leaves_ids_and_unique_values_as_they_are(tmp_path: Path, operation: str) -> None:
    def things(**mode: str) -> list[dict[str, object]]:
        by = [{"field": "key"}, {"field": "sku"}, {"field": "name", "weak": True}]
        fields = [text(name) for name in ("key", "sku", "name", "mail", "colour")]
        return [entity("things", fields, identity=by, unique=["mail"], **mode)]

    desk = Desk(tmp_path, things())
    desk.send("things", "sync", ["sku", "name", "mail"], [
        {"sku": "S1", "name": "Chair", "mail": "m1"}, {"sku": "S2", "name": "Desk", "mail": "m2"}, {"name": "Lamp"},
    ])  # fmt: skip
    keys = {record["name"]: record["key"] for record in desk.records("things")}
    desk.specs = things(mode="fill-empty-only")
    sent = [
        {"key": keys["Chair"], "sku": "S9", "colour": "red"},  # another SKU than the stored one
        {"sku": "S2", "name": "Table", "mail": "m1", "colour": "oak"},  # its mail and name stay as they are
        {"key": keys["Lamp"], "sku": "S3", "name": "Light", "mail": "m3", "colour": "white"},  # is given its SKU
    ]
    answer = desk.send("things", operation, ["key", "sku", "name", "mail", "colour"], sent)
    assert answer.faults() == {("KEY_CONFLICT", 1)}
    left = {record["name"]: record for record in desk.records("things")}
    assert {name: {k: v for k, v in record.items() if k != "key"} for name, record in left.items()} == {
        "Chair": {"sku": "S1", "name": "Chair", "mail": "m1"},
        "Desk": {"sku": "S2", "name": "Desk", "mail": "m2", "colour": "oak"},
        "Lamp": {"sku": "S3", "name": "Lamp", "mail": "m3", "colour": "white"},
    }


PROFILE = """
name = "acme"
[naming]
form = "{entity}_{date}.{ext}"
[entities.products]
operation = "patchdeltacreate"
mode = "MODE"
[entities.products.fields]
sku = { required = true }
name = "text"
colours = "list"
"""


@pytest.mark.feature("L9")
@pytest.mark.parametrize(
    ("mode", "faults", "rows"),
    [
        ("create+enrich", {}, [("1", "Stool", ["red"]), ("2", "Desk", ["oak"])]),
        ("enrich-only", {"ENRICH_ONLY": 1}, [("1", "Stool", ["red"])]),
        ("fill-empty-only", {}, [("1", "Chair", ["red"]), ("2", "Desk", ["oak"])]),
    ],
)
def test_a_profile_says_what_a_supplier_may_do(
    tmp_path: Path, mode: str, faults: dict[str, int], rows: list[tuple[str, str, list[str]]]
) -> None:
    source = tmp_path / "acme.toml"
    source.write_text(PROFILE.replace("MODE", "create+enrich"))
    shop = opened(tmp_path, source)
    shop.send("products_20261121.csv", "sku,name\n1,Chair\n")
    # The same supplier under other terms: what is stored means the same.
    source.write_text(PROFILE.replace("MODE", mode))
    report = shop.send("products_20261122.csv", "sku,name,colours\n1,Stool,red\n2,Desk,oak\n")
    assert codes(report) == faults
    assert sorted((row["sku"], row["name"], row["colours"]) for row in shop.rows("products")) == rows
