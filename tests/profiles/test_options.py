"""Options of products: what is declared, listed, forbidden and chosen, against loops over everything."""

from __future__ import annotations

import io
import itertools
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine import engine, profile
from feedengine.errors import FeedRejected, ProfileError
from identify.desk import SECRET, Desk, Row, Spec, entity, text
from shop_of_profiles import CATALOG, codes, opened

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "options.toml"
OPERATIONS = ("sync", "delta", "patchdeltacreate", "patchdeltaignore", "delete")
RUNS = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))

Records = dict[str, Row]
Pairs = frozenset[tuple[str, str]]
#: The fields of each entity by the form in which it names options.
WIDE = {"colour": "colour", "size": "size"}
COLUMNS = {
    "products": {True: ["id", "colour", "size", "note"], False: ["id", "sku", "option", "values"]},
    "options": {True: ["id", "sku", "colour", "size", "allowed"], False: ["id", "sku", "option", "value", "allowed"]},
    "variations": {True: ["id", "sku", "colour", "size"], False: ["id", "sku", "option", "value"]},
}


def after(stored: Records, operation: str, rows: list[Row]) -> Records:
    """The records after a file in which every id stands once, whatever they name."""
    told = {row["id"]: {k: v for k, v in row.items() if v} for row in rows}
    if operation == "sync":
        return told
    if operation == "delete":
        return {key: record for key, record in stored.items() if key not in told}
    if operation == "delta":
        return {**stored, **told}
    new = told if operation == "patchdeltacreate" else {}
    return {**new, **stored, **{key: {**stored[key], **row} for key, row in told.items() if key in stored}}


def named(name: str, wide: bool, record: Row) -> tuple[str, Pairs]:
    """The product of a record, and the options and values that it names."""
    product = record.get("id" if name == "products" and wide else "sku", "")
    if wide:
        found = {(option, value) for option in WIDE for value in record.get(option, "").split("|") if value}
    else:
        values = record.get("values" if name == "products" else "value", "").split("|")
        found = {(record["option"], value) for value in values if value and "option" in record}
    return product, frozenset(found) if product else frozenset()


class Model:
    """Three entities, judged by looking at all of them each time."""

    def __init__(self, wide: dict[str, bool], closed: bool) -> None:
        self.wide, self.closed = wide, closed
        self.stored: dict[str, Records] = {name: {} for name in COLUMNS}

    def pairs(self, name: str, record: Row) -> tuple[str, Pairs]:
        return named(name, self.wide[name], record)

    def send(
        self, operation: str, files: dict[str, list[Row]]
    ) -> tuple[set[tuple[str, str, int | None]], dict[str, str]]:
        """Faults as (entity, code, row), and products that lack something with the first words about it."""
        wanted = {
            name: after(self.stored[name], operation, files[name]) if name in files else dict(self.stored[name])
            for name in COLUMNS
        }
        order = {name: {row["id"]: at + 1 for at, row in enumerate(rows)} for name, rows in files.items()}
        touched = {
            name: {
                key
                for key in order.get(name, ())
                if key in wanted[name] and wanted[name][key] != self.stored[name].get(key)
            }
            for name in COLUMNS
        }
        changed = {
            self.pairs(name, record)[0]
            for name in ("products", "options")
            for records, other in ((self.stored[name], wanted[name]), (wanted[name], self.stored[name]))
            for key, record in records.items()
            if other.get(key) != record and self.pairs(name, record)[1]
        }
        declared: dict[str, set[tuple[str, str]]] = {}
        for record in wanted["products"].values():
            product, pairs = self.pairs("products", record)
            declared.setdefault(product, set()).update(pairs)
        faults: set[tuple[str, str, int | None]] = set()
        fallen: dict[str, set[str]] = {"options": set(), "variations": set()}
        for name in fallen:
            for key in touched[name]:
                product, pairs = self.pairs(name, wanted[name][key])
                if pairs - declared.get(product, set()):
                    faults.add((name, "OPTION_UNKNOWN", order[name][key]))
                    fallen[name].add(key)
        self._fall(wanted, "options", fallen["options"])
        forbidden = [
            (key, *self.pairs("options", record))
            for key, record in wanted["options"].items()
            if record.get("allowed") == "false" and self.pairs("options", record)[1]
        ]
        for key in touched["variations"]:
            product, pairs = self.pairs("variations", wanted["variations"][key])
            if any(product == other and rule <= pairs for _, other, rule in forbidden):
                faults.add(("variations", "OPTION_FORBIDDEN", order["variations"][key]))
                fallen["variations"].add(key)
        self._fall(wanted, "variations", fallen["variations"])
        for key, product, rule in forbidden:
            if key in touched["options"] - fallen["options"]:
                for other, record in wanted["variations"].items():
                    is_row = other in touched["variations"] - fallen["variations"]
                    chosen = self.pairs("variations", record)
                    if not is_row and chosen[0] == product and rule <= chosen[1]:
                        faults.add(("options", "OPTION_IN_USE", order["options"][key]))
        for key, record in self.stored["products"].items():
            product, pairs = self.pairs("products", record)
            lost = pairs - declared.get(product, set())
            # A product of which nothing is left is gone; what chooses of it is another matter.
            if key in wanted["products"] or declared.get(product):
                for other, variation in wanted["variations"].items():
                    is_row = other in touched["variations"] - fallen["variations"]
                    chosen = self.pairs("variations", variation)
                    if not is_row and chosen[0] == product and lost & chosen[1]:
                        row = order["products"][key] if key in wanted["products"] else None
                        faults.add(("products", "OPTION_IN_USE", row))
        whole = "options" in files and operation == "sync"
        lacks = self._lacks(wanted, declared, declared.keys() if whole else changed) if self.closed else {}
        if not (lacks and "options" in files):
            self.stored = wanted
        return faults, lacks

    def _fall(self, wanted: dict[str, Records], name: str, fallen: set[str]) -> None:
        for key in fallen:
            del wanted[name][key]
            if key in self.stored[name]:
                wanted[name][key] = self.stored[name][key]

    def _lacks(self, wanted: dict[str, Records], declared: dict[str, Any], products: Any) -> dict[str, str]:
        found = {}
        listed = [self.pairs("options", record) for record in wanted["options"].values()]
        for product in products:
            pairs = declared.get(product, set())
            groups = [[pair for pair in pairs if pair[0] == option] for option in WIDE]
            needed = [frozenset([pair]) for pair in pairs]
            several = False
            if self.wide["options"]:
                groups = [group for group in groups if group]
                needed = [frozenset(one) for one in itertools.product(*groups)] if groups else []
                several = len(groups) > 1
            missing = [one for one in needed if (product, one) not in listed]
            if missing:
                what = "combinations" if several else "values"
                found[product] = f"{len(missing)} of {len(needed)} {what} of {product} have no row: "
        return found


def specs(wide: dict[str, bool], closed: bool) -> list[Spec]:
    """The three entities."""
    kinds = {"values": "list", "allowed": "flag"}
    made = []
    for name, columns in COLUMNS.items():
        fields = []
        for column in columns[wide[name]]:
            is_list = name == "products" and column in WIDE
            kind = "list" if is_list else kinds.get(column, "text")
            fields.append(text(column) | {"kind": kind})
        value = "values" if name == "products" else "value"
        names: dict[str, Any] = {"product": "id" if name == "products" and wide[name] else "sku"}
        names |= {"columns": [[each, each] for each in WIDE]} if wide[name] else {"pair": ["option", value]}
        rule: dict[str, Any] = {
            "products": {"declares": names},
            "options": {"matrix": {"of": "products", "names": names, "allowed": "allowed", "closed": closed}},
            "variations": {"choice": {"of": "options", "names": names}},
        }[name]
        made.append(entity(name, fields, **rule))
    return made


CELLS: dict[str, st.SearchStrategy[str]] = {
    "sku": st.sampled_from(["A", "B", ""]), "option": st.sampled_from(["colour", "size", ""]),
    "note": st.sampled_from(["x", "y"]), "allowed": st.sampled_from(["true", "false", ""]),
}  # fmt: skip
VALUES = st.sampled_from(["r", "b", "S", ""])
SEVERAL = st.sampled_from(["r", "r|b", "b|S", "S", ""])


def rows_of(name: str, wide: bool) -> st.SearchStrategy[list[Row]]:
    cells = dict(CELLS)
    for column in COLUMNS[name][wide]:
        values = SEVERAL if name == "products" else VALUES
        cells.setdefault(column, values)
    cells["id"] = st.sampled_from("AB") if name == "products" and wide else st.sampled_from("123456")
    chosen = {column: cells[column] for column in COLUMNS[name][wide]}
    return st.lists(st.fixed_dictionaries(chosen), min_size=1, max_size=6, unique_by=lambda row: row["id"])


@st.composite
def stories(draw: st.DrawFn) -> tuple[dict[str, bool], list[tuple[str, dict[str, list[Row]]]]]:
    """How each entity names options, and files: of one entity, or of several together."""
    wide = {name: draw(st.booleans()) for name in COLUMNS}
    sent = []
    for _ in range(draw(st.integers(1, 5))):
        names = draw(st.sampled_from([*[(name,) for name in COLUMNS], tuple(COLUMNS), ("products", "options")]))
        sent.append((draw(st.sampled_from(OPERATIONS)), {name: draw(rows_of(name, wide[name])) for name in names}))
    return wide, sent


def written(folder: Path, number: int, operation: str, files: dict[str, list[Row]]) -> Path:
    """The files of all entities, in an archive."""
    path = folder / f"sent{number}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, rows in files.items():
            columns = ["id"] if operation == "delete" else list(rows[0])
            lines = [columns, *([row[column] for column in columns] for row in rows)]
            content = "".join(",".join(line) + "\n" for line in lines).encode()
            member = tarfile.TarInfo(f"{name}.csv")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def flat(record: dict[str, Any]) -> Row:
    """A stored record as it was sent."""
    words = {True: "true", False: "false"}
    return {
        key: "|".join(value) if isinstance(value, list) else words.get(value, value) for key, value in record.items()
    }


@pytest.mark.feature("T3")
@RUNS
@given(stories(), st.booleans(), st.booleans())
def test_options_are_those_of_the_model(
    story: tuple[dict[str, bool], list[tuple[str, dict[str, list[Row]]]]], closed: bool, threaded: bool
) -> None:
    wide, sent = story
    model = Model(wide, closed)
    with tempfile.TemporaryDirectory() as folder:
        more: dict[str, Any] = {"threads": 2, "block": 64, "memory": 0} if threaded else {}
        desk = Desk(Path(folder), specs(wide, closed), **more)
        for number, (operation, files) in enumerate(sent):
            answer = desk.run(written(Path(folder), number, operation, files), operation, None)
            faults, lacks = model.send(operation, files)
            listed = answer.report["problems"]["list"]
            rows = {
                (each["entity"], each["code"], each["record"])
                for each in listed
                if each["code"] in ("OPTION_UNKNOWN", "OPTION_FORBIDDEN", "OPTION_IN_USE")
            }
            assert rows == faults, (operation, files)
            incomplete = {each["value"]: each["message"] for each in answer.listed("OPTION_MATRIX_INCOMPLETE")}
            assert incomplete.keys() == lacks.keys(), (operation, files)
            assert all(incomplete[product].startswith(words) for product, words in lacks.items()), incomplete
            assert (answer.report["verdict"] == "invalid") == bool(lacks and "options" in files)
            for name, records in model.stored.items():
                assert {each["id"]: flat(each) for each in desk.records(name)} == records, (name, operation, files)


# the example, as a supplier would send it


@pytest.mark.feature("T3")
def test_files_of_the_example(tmp_path: Path) -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 40
    shop = opened(tmp_path, EXAMPLE)
    head = "sku,option,value,allowed\n"
    products = 'sku,colour,size\nCHAIR,"red,blue","S,M"\nDESK,oak,\n'
    # The products come first: their matrix is missed, and told, but is another file's business.
    report = shop.send("products_2026-11-21.csv", products)
    assert (report["verdict"], codes(report)) == ("apply", {"OPTION_MATRIX_INCOMPLETE": 2})
    short = "CHAIR,colour,red,Y\nDESK,colour,oak,Y\n"
    with pytest.raises(FeedRejected) as raised:
        shop.send("options_2026-11-21.csv", head + short)
    told = '3 of 4 values of CHAIR have no row: colour "blue", size "M", size "S"'
    assert told in str(raised.value)
    whole = short + "CHAIR,colour,blue,\nCHAIR,size,S,N\nCHAIR,size,M,\n"
    report = shop.send("options_2026-11-22.csv", f"{head}{whole}CHAIR,size,XL,\nDESK,size,S,\nLAMP,colour,red,\n")
    assert codes(report) == {"OPTION_UNKNOWN": 3}
    found = {each["record"]: (each["column"], each["value"], each["message"]) for each in report["problems"]["list"]}
    assert found == {
        6: ("value", "XL", 'CHAIR declares no size "XL"'),
        7: ("option", "size", 'DESK declares no option "size"'),
        8: ("option", "colour", 'LAMP declares no option "colour"'),
    }
    assert report["entities"]["options"]["added"] == 5
    report = shop.send("combinations_2026-11-22.csv", "sku,colour,size,allowed\nCHAIR,red,M,N\nCHAIR,blue,,Y\n")
    assert not codes(report)
    chosen = "id,sku,colour,size\n1,CHAIR,red,M\n2,CHAIR,red,S\n3,CHAIR,blue,XL\n4,DESK,oak,\n"
    report = shop.send("variations_2026-11-22.csv", chosen)
    found = {each["record"]: (each["code"], each["column"], each["message"]) for each in report["problems"]["list"]}
    assert found == {
        1: ("OPTION_FORBIDDEN", "colour", 'colour "red" and size "M" of CHAIR are not allowed together'),
        3: ("OPTION_UNKNOWN", "size", 'CHAIR declares no size "XL"'),
    }
    assert [row["id"] for row in shop.rows("variations")] == ["2", "4"]
    report = shop.send("combinations_2026-11-23.csv", "sku,colour,size,allowed\nCHAIR,red,M,N\nDESK,oak,,N\n")
    (fault,) = report["problems"]["list"]
    assert (fault["code"], fault["severity"], fault["record"]) == ("OPTION_IN_USE", "warning", 2)
    assert fault["message"] == '1 records of variations choose colour "oak" of DESK, which the row forbids'
    # What a product takes back stays chosen, and the row that does not say it any more is told so.
    report = shop.send("products_2026-11-23.csv", "sku,colour,size\nDESK,oak,\nCHAIR,blue,M\n")
    (fault,) = [each for each in report["problems"]["list"] if each["code"] == "OPTION_IN_USE"]
    assert (fault["severity"], fault["record"], fault["key"], fault["column"]) == ("warning", 2, "CHAIR", "colour")
    told = '1 records of variations choose colour "red" or size "S", which CHAIR no longer declares'
    assert (fault["value"], fault["message"]) == ("red", told)
    assert [row["id"] for row in shop.rows("variations")] == ["2", "4"]
    report = shop.send("products_2026-11-24.csv", 'sku,colour,size\nDESK,oak,\nCHAIR,"red,blue","S,M"\n')
    assert "OPTION_IN_USE" not in codes(report)
    # A delta is judged by the products that it touches; a file of ids takes rows away that must be there.
    path = shop.folder / "options_2026-11-24.csv"
    for content, operation, verdict in (
        (f"{head}CHAIR,size,S,Y\n", "delta", "apply"),
        ("id\nDESK|colour|oak\n", "delete", "invalid"),
    ):
        path.write_text(content)
        plan = shop.engine.plan(path, catalog=CATALOG, operation=operation, force=True).report
        assert (plan["verdict"], bool(codes(plan))) == (verdict, verdict == "invalid"), plan["problems"]


@pytest.mark.feature("T3")
def test_a_wide_matrix_is_told_of_all_that_it_lacks(tmp_path: Path) -> None:
    wide = dict.fromkeys(COLUMNS, True)
    desk = Desk(tmp_path, specs(wide, closed=True))
    many = "|".join(f"v{number:03}" for number in range(500))
    desk.send("products", "sync", COLUMNS["products"][True], [{"id": "A", "colour": many, "size": many}])
    rows = [{"id": f"{at}", "sku": "A", "colour": f"v{at:03}", "size": "v000"} for at in (0, 1, 3)]
    answer = desk.send("options", "sync", COLUMNS["options"][True], rows)
    (fault,) = answer.listed("OPTION_MATRIX_INCOMPLETE")
    first = ", ".join(f'colour "v000" and size "v{at:03}"' for at in (1, 2, 3))
    assert fault["message"] == f"249997 of 250000 combinations of A have no row: {first}, ..."
    assert (answer.report["verdict"], fault["column"], fault["severity"]) == ("invalid", "sku", "file")


@pytest.mark.feature("T3")
@pytest.mark.parametrize(
    ("policy", "severity", "added"), [("warn", "warning", 2), ("fail", "file", 0), (None, "row", 0)]
)
def test_policies_say_what_becomes_of_rows(tmp_path: Path, policy: str | None, severity: str, added: int) -> None:
    made = specs(dict.fromkeys(COLUMNS, False), closed=False)
    if policy:
        made[1]["matrix"]["policy"] = made[2]["choice"]["policy"] = policy
    desk = Desk(tmp_path, made)
    # Nothing is declared, so that both rows name what is not.
    for name in ("options", "variations"):
        columns = COLUMNS[name][False]
        answer = desk.send(name, "delta", columns, [{"id": i, "sku": "A", "option": "o", "value": i} for i in "12"])
        faults = answer.listed("OPTION_UNKNOWN")
        assert [(each["severity"], each["column"], each["value"]) for each in faults] == [(severity, "option", "o")] * 2
        assert len(desk.records(name)) == added


@pytest.mark.feature("T3")
@pytest.mark.parametrize(
    ("asked", "verdict", "incomplete"),
    [({"hold_removals": True}, "held", 0), ({"force": True}, "invalid", 1), ({}, "invalid", 1)],
)
def test_rows_that_are_held_back_count_still(
    tmp_path: Path, asked: dict[str, Any], verdict: str, incomplete: int
) -> None:
    desk = Desk(tmp_path, specs(dict.fromkeys(COLUMNS, False), closed=True))
    declared = [{"id": "1", "sku": "A", "option": "colour", "values": "red|blue"}]
    desk.send("products", "sync", COLUMNS["products"][False], declared)
    rows = [{"id": value, "sku": "A", "option": "colour", "value": value} for value in ("red", "blue")]
    assert desk.send("options", "sync", COLUMNS["options"][False], rows).report["verdict"] == "apply"
    planned = _planned(desk, tmp_path, {"options": rows[:1]}, asked)
    assert planned["verdict"] == verdict
    assert sum(each["code"] == "OPTION_MATRIX_INCOMPLETE" for each in planned["problems"]["list"]) == incomplete


@pytest.mark.feature("T3")
@pytest.mark.parametrize(("rule", "verdict"), [("false", "refused"), ("true", "held")])
def test_what_removals_allowed_is_not_let_in_without_them(tmp_path: Path, rule: str, verdict: str) -> None:
    desk = Desk(tmp_path, specs(dict.fromkeys(COLUMNS, False), closed=False))
    declared = [{"id": "1", "sku": "A", "option": "colour", "values": "red|blue"}]
    desk.send("products", "sync", COLUMNS["products"][False], declared)
    rows = [{"id": each, "sku": "A", "option": "colour", "value": each, "allowed": "false"} for each in ("red", "blue")]
    desk.send("options", "sync", COLUMNS["options"][False], rows)
    # The rule that forbids red goes, and red is chosen; or the other does, and nothing is.
    chosen = [{"id": "1", "sku": "A", "option": "colour", "value": "red"}] if rule == "false" else []
    files = {"options": rows[1:]} | ({"variations": chosen} if chosen else {})
    planned = _planned(desk, tmp_path, files, {"safeguard": {"on_block": "hold", "limit": "10%"}})
    assert (planned["verdict"], planned["problems"]["errors"]) == (verdict, 0)


def _planned(desk: Desk, folder: Path, files: dict[str, list[Row]], asked: dict[str, Any]) -> dict[str, Any]:
    request = {"operation": "sync", "entities": desk.specs, "base": desk.base, "threads": 1} | asked
    request |= {"settings": {"rows": "reject"}, "temp_dir": str(folder)}
    planner = engine.Planner(request, SECRET)
    planner.scan(written(folder, 0, "sync", files))
    while (want := planner.next_want()) is not None:
        planner.supply(desk.stored(want["entity"], want["columns"], None))
    return planner.decide()


@pytest.mark.feature("T3")
def test_matrices_of_products_with_ids_of_the_engine(tmp_path: Path) -> None:
    made = specs(dict.fromkeys(COLUMNS, False), closed=True)
    fields = [text("system_id"), *made[0]["fields"][1:]]
    identity = [{"field": "sku"}]
    made[0] = entity("products", fields, declares=made[0]["declares"], identity=identity)
    desk = Desk(tmp_path, made)
    desk.send("products", "sync", COLUMNS["products"][False][1:], [{"sku": "A", "option": "c", "values": "r|b"}])
    row = {"id": "1", "sku": "A", "option": "c", "value": "r"}
    assert len(desk.send("options", "sync", COLUMNS["options"][False], [row]).listed("OPTION_MATRIX_INCOMPLETE")) == 1
    other = {**row, "id": "2", "value": "b"}
    answer = desk.send("options", "delta", COLUMNS["options"][False], [row, other])
    assert (answer.report["verdict"], len(desk.records("options"))) == ("apply", 2)


# what a profile may say


@pytest.mark.feature("T3")
@pytest.mark.parametrize(
    ("products", "options", "said"),
    [
        ('declares = { product = "id", options = ["nothing"] }', "", "names a field that the entity does not have"),
        ('declares = { product = "id", option = "name" }', "", "needs both option and value"),
        ('declares = { product = "id" }', "", "by a pair of fields, or by columns"),
        ('declares = { product = "tags", options = ["name"] }', "", 'cannot be named by the list "tags"'),
        ("", 'matrix = { of = "producst", product = "id", options = ["name"] }', "products"),
        ("", 'matrix = { of = "products", product = "id", options = ["name"] }', "no entity that declares options"),
        ("", 'matrix = { of = "products", product = "id", options = ["tags"] }', "cannot be named by the list"),
        (
            'declares = { product = "id", options = ["tags"] }',
            'matrix = { of = "products", product = "id", options = ["name"], allowed = "name" }',
            "true and false",
        ),
        ("", 'chooses = { of = "products", product = "id", options = ["name"] }', "no entity with a matrix"),
    ],
)
def test_rules_that_cannot_be_are_told(products: str, options: str, said: str) -> None:
    fields = 'id = "text"\nname = "text"\ntags = "list"\n'
    with pytest.raises(ProfileError) as raised:
        profile.loads(
            f'name = "acme"\n[entities.products]\n{products}\n[entities.products.fields]\n{fields}'
            f"[entities.options]\n{options}\n[entities.options.fields]\n{fields}"
        )
    assert said in str(raised.value)
