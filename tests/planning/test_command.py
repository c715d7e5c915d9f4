"""Feeds of a profile on the command line: said once, remembered; what is stored is shown by its own names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import command
from planning.desk import SHOP

PRODUCTS = "SKU,Name,price\n007,Tea,1.50\n8,Oil,2\n"
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command on a store of its own; gives its JSON, or its text where it prints none."""
    (tmp_path / "shop.toml").write_text(SHOP)
    for name, content in (("PRODUCT_20261121.csv", PRODUCTS), ("PRICE_20261121.csv", "sku,price\n007,9.99\n")):
        (tmp_path / name).write_text(content)

    def run(*argv: str, code: int = 0, machine: bool = True) -> Any:
        given = [str(tmp_path / word) if word.endswith((".csv", ".toml")) else word for word in argv]
        done = command("--store", tmp_path / "store", *(["--json"] if machine else []), *given, seconds=120)
        assert done.returncode == code, (argv, done.stdout, done.stderr)
        return json.loads(done.stdout) if machine and done.stdout else done.stdout

    run("init", str(tmp_path))
    return run


@pytest.mark.feature("W2", "W7", "P7")
def test_the_profile_is_said_once(run: Run) -> None:
    planned = run("plan", "PRODUCT_20261121.csv", "--catalog", "acme/main", "--profile", "shop.toml")
    assert (planned["profile"]["name"], planned["entities"]["products"]["added"]) == ("shop", 2)
    run("sync", "PRODUCT_20261121.csv", "--catalog", "acme/main", "--profile", "shop.toml")
    assert run("apply", "PRICE_20261121.csv")["catalog"] == "acme/main"
    listed = run("snapshot", "list", machine=False)
    assert "records" in listed and "PRICE_20261121.csv" in listed
    diff = run("snapshot", "diff", "1", "2")
    assert diff["changes"] == [{"entity": "prices", "change": "added", "id": "007", "after": {"price": "9.99"}}]
    assert run("trace", "007")["events"][0]["fields"]["name"]["after"] == "Tea"
    assert run("trace", "007", "--entity", "prices")["entity"] == "prices"
    assert run("snapshot", "check")["ok"]
    assert run("snapshot", "export", "--out", "-", "--format", "csv", "--entity", "prices", machine=False) == (
        "sku,price\n007,9.99\n"
    )
    run("snapshot", "export", "--out", "-", "--ids", "items", code=2)
    run("snapshot", "export", "--out", "-", "--ids", "prices", code=2)


def test_what_to_type_next_keeps_what_was_typed(run: Run, tmp_path: Path) -> None:
    typed = ("PRICE_20261121.csv", "--catalog", "acme/main", "--profile", "shop.toml")
    error = run("sync", *typed, code=2)["error"]
    assert error["code"] == "OTHER_OPERATION"
    words = [str(tmp_path / word) if word.endswith((".csv", ".toml")) else word for word in typed]
    said = [hint["argv"] for hint in error["hints"]]
    assert [argv[argv.index("apply") :] for argv in said] == [
        ["apply", *words],
        ["apply", *words, "--operation", "sync"],
    ]


@pytest.mark.feature("W8")
def test_validate_reads_by_the_profile(run: Run) -> None:
    found = run("validate", "PRODUCT_20261121.csv", "--profile", "shop.toml")
    assert (found["ok"], found["files"][0]["entities"]["products"]["rows"]) == (True, 2)
    assert "name_problem" not in found["files"][0]
    run("validate", "PRODUCT_20261121.csv", "--profile", "nowhere.toml", code=2)


def test_files_of_a_profile_are_compared_by_its_keys(run: Run, tmp_path: Path) -> None:
    (tmp_path / "PRODUCT_20261122.csv").write_text("SKU,Name,price\n007,Tea,1.75\n9,Salt,1\n")
    found = run("diff", "PRODUCT_20261121.csv", "PRODUCT_20261122.csv", "--profile", "shop.toml")
    assert found["entities"]["products"] == {"added": 1, "changed": 1, "removed": 1}
    assert {(change["change"], change["id"]) for change in found["changes"]} == {
        ("added", "9"), ("changed", "007"), ("removed", "8"),
    }  # fmt: skip


def test_what_is_made_for_constructors_catalogs_says_so(run: Run, tmp_path: Path) -> None:
    run("sync", "PRODUCT_20261121.csv", "--catalog", "acme/main", "--profile", "shop.toml")
    refused = command("--store", tmp_path / "store", "publish", "acme/main", tmp_path / "out", "--dry-run")
    assert (refused.returncode, "needs the entities items" in " ".join(refused.stderr.split())) == (2, True)
    mixed = command("--store", tmp_path / "store", "diff", "1", tmp_path / "PRODUCT_20261121.csv")
    assert (mixed.returncode, "cannot be compared with a snapshot" in " ".join(mixed.stderr.split())) == (2, True)
