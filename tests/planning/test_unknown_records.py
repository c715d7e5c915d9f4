"""A patchdelta row whose record is not there: the file fails, as published, unless bad rows alone are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feedengine import ingest
from feedengine.errors import FeedRejected
from feedengine.ledger.cases import Cases
from service.place import Place

STORED = "id,item_name,url\nA,a,u\nB,b,u\n"
PATCH = "id,url\nA,new\nX,new\nB,newer\nY,new\n"
REJECTING = 'name = "shop"\nextends = "constructor"\n[settings.rules]\nrows = "reject"\n'
WIZ = '[catalogs."acme/main"]\nprofile = "wizcommerce"\n'


def send(place: Place, name: str, content: str, operation: str, **more: Any) -> dict[str, Any]:
    path = place.root / f"{name}-{operation}.csv"
    path.write_text(content)
    request = ingest.FeedRequest(path, operation=operation, **more)
    return ingest.run(place.store, place.settings, request).report


def urls(place: Place) -> dict[str, str]:
    with place.store.catalog("key_a1") as catalog:
        lookup = catalog.lookup("Products", "items")
        assert lookup is not None
        return {row["id"]: row["url"] for row in lookup.records(["A", "B", "X", "Y"])}


def test_the_file_fails_where_nobody_says_otherwise(tmp_path: Path) -> None:
    place = Place(tmp_path)
    send(place, "items", STORED, "delta", catalog="key_a1/Products")
    with pytest.raises(FeedRejected):
        send(place, "items", PATCH, "patchdelta", catalog="key_a1/Products")
    [task] = place.store.ledger.list(status=["FAILED"]).tasks
    listed = [(each["code"], each["severity"]) for each in place.store.ledger.problems(task.id)]
    assert listed == [("UNKNOWN_RECORD", "file")] * 2
    assert urls(place) == {"A": "u", "B": "u"}


@pytest.mark.feature("W38")
@pytest.mark.parametrize("said", ["setting", "profile"])
def test_the_row_is_rejected_and_the_others_are_applied(tmp_path: Path, said: str) -> None:
    (tmp_path / "shop.toml").write_text(REJECTING)
    rules = {"setting": '[rules]\nrows = "reject"', "profile": '[rules]\nprofile = "shop.toml"'}[said]
    place = Place(tmp_path, rules)
    send(place, "items", STORED, "delta", catalog="key_a1/Products", entity="items")
    report = send(place, "items", PATCH, "patchdelta", catalog="key_a1/Products", entity="items")
    counts = report["entities"]["items"]
    assert (counts["rows"], counts["changed"], counts["rejected"], counts["ignored"]) == (4, 2, 2, 0)
    assert report["outcome"] == "ok_with_errors" and urls(place) == {"A": "new", "B": "newer"}
    listed = [(each["record"], each["code"], each["severity"], each["key"]) for each in report["problems"]["list"]]
    assert listed == [(2, "UNKNOWN_RECORD", "row", "X"), (4, "UNKNOWN_RECORD", "row", "Y")]
    assert {case.record for case in Cases(place.store.ledger).list(states=("open",))[0]} == {"X", "Y"}
    # Once the record is there the row is right.
    send(place, "items", "id,item_name\nX,x\n", "delta", catalog="key_a1/Products", entity="items")
    send(place, "items", "id,url\nX,new\n", "patchdelta", catalog="key_a1/Products", entity="items")
    assert {case.record for case in Cases(place.store.ledger).list(states=("open",))[0]} == {"Y"}


@pytest.mark.feature("W38")
def test_entities_with_several_identifiers_are_treated_alike(tmp_path: Path) -> None:
    place = Place(tmp_path, WIZ, ("acme",))
    head = "Reference ID,Name\n"
    send(place, "collections", f"{head}S1,Summer\n", "patchdeltacreate", catalog="acme/main", entity="collections")
    report = send(
        place, "collections", f"{head}S1,Spring\nS9,Nobody\n", "patchdelta", catalog="acme/main", entity="collections"
    )
    counts = report["entities"]["collections"]
    assert (counts["changed"], counts["rejected"], counts["added"]) == (1, 1, 0)
    assert [(each["record"], each["code"]) for each in report["problems"]["list"]] == [(2, "UNKNOWN_RECORD")]
