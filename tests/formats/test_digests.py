"""One catalog, one digest: whatever format and container it came in, however its bytes were cut."""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.engine import constructor_entities

from .planning import plan
from .write import FORMATS, Row

LETTERS = "aZ09 é€ß\"'<&>,;\\/-.[]{}=#%"
pieces = st.text(LETTERS, min_size=1, max_size=8).map(str.strip).filter(bool)
texts = st.text(LETTERS + "|", max_size=20).map(str.strip)
lists = st.lists(pieces, max_size=2).map("|".join)
OPTIONAL = {
    "url": texts,
    "description": texts,
    "keywords": lists,
    "active": st.sampled_from(["true", "false", ""]),
    "suggested_score": st.integers(-1, 999).map(str),
}


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Items with other ids each, ids with zeros in front among them."""
    ids = draw(st.lists(st.sampled_from(["1", "01", "007", "A1", "a1", "é", "x y", "-"]), min_size=1, unique=True))
    return [
        {"id": key, "item_name": "N" + draw(texts)} | {name: draw(values) for name, values in OPTIONAL.items()}
        for key in ids
    ]


def packed(name: str, content: bytes, container: str) -> tuple[str, bytes]:
    """The file in a container."""
    if container == "gz":
        return name + ".gz", gzip.compress(content, 1)
    if container == "tar":
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        return "feed.tar.gz", out.getvalue()
    return name, content


@pytest.mark.feature("P2", "L30", "T15")
@given(tables(), st.sampled_from(["", "gz", "tar"]), st.sampled_from([16, 100, 1 << 17]))
def test_one_catalog_has_one_digest_in_every_format(table: list[Row], container: str, block: int) -> None:
    entities = [dict(spec) for spec in constructor_entities()]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for form, writer in FORMATS.items():
            try:
                name, content, declared = writer(table)
            except UnicodeEncodeError:
                continue
            name, content = packed(name, content, container)
            path = Path(folder) / name
            path.write_bytes(content)
            seen = plan(path, declared, entities, block=block, entity=None if container == "tar" else "items")
            assert (seen.verdict, seen.codes) == ("apply", []), (form, seen)
            found[form] = seen.digest
    assert len(found) > 8
    assert set(found.values()) == {found["csv"]}, found
