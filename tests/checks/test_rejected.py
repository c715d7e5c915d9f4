"""Positions of rejected rows: all of them, whatever is listed, in every format and at any size of block."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from checks.bench import entity, field, plan, text

SPEC = entity(field("n", rules=["integer"]))


def lines_of(content: bytes) -> list[bytes]:
    return content.split(b"\n")


@pytest.mark.feature("P29")
@pytest.mark.parametrize("block", [64, 1 << 20])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "csv.gz", "tar.gz"])
def test_every_rejected_row_is_found_again(tmp_path: Path, kind: str, block: int) -> None:
    count = 5_000
    bad = {number for number in range(1, count + 1) if number % 7 in (0, 3)}
    values = ["x\u00e9" if number in bad else str(number) for number in range(1, count + 1)]
    if kind == "jsonl":
        content = "".join(f'{{"id": "R{at}", "n": "{value}"}}\n' for at, value in enumerate(values, 1)).encode()
    else:
        content = text(("id", "n"), [(f"R{at}", value) for at, value in enumerate(values, 1)]).encode()
    member, sent = f"things.{kind}", content
    if kind == "csv.gz":
        sent = gzip.compress(content)
    elif kind == "tar.gz":
        member, out = "things.csv", io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        sent = out.getvalue()
    answer = plan(tmp_path, SPEC, sent, name=f"things.{kind}", block=block, settings={"listed_problems": 3}, threads=2)
    assert len(answer.report["problems"]["list"]) == 3
    assert [row["record"] for row in answer.rejected] == sorted(bad)
    assert answer.counts["rejected"] == len(bad)
    header = 0 if kind == "jsonl" else 1
    starts, at = [], 0
    for line in lines_of(content):
        starts.append(at)
        at += len(line) + 1
    for row in answer.rejected:
        line = row["record"] + header
        assert (row["member"], row["line"], row["byte"]) == (member, line, starts[line - 1])


def test_nothing_is_rejected_where_all_is_well(tmp_path: Path) -> None:
    assert plan(tmp_path, SPEC, "id,n\nA,1\n").rejected == []


def test_rows_without_a_key_are_rejected_rows(tmp_path: Path) -> None:
    answer = plan(tmp_path, SPEC, 'id,n\n,1\nA,2\n"B\n","3\nx"\n')
    assert [(row["record"], row["line"]) for row in answer.rejected] == [(1, 2), (3, 4)]
