"""Drafts from samples: what is seen is written, doubts are said, and the draft is a profile that holds."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine import profile
from feedengine.errors import UsageError
from feedengine.names import FeedName
from feedengine.profile import guess, infer, parse_name

SHOP = """\
Art.-Nr.;Bezeichnung;Preis;Lieferbar;Seit;EAN;Bilder;Größe (cm);Kategorie
0012;Stuhl "Öland";1.249,50;ja;01.02.2024;4006381333931;https://a.de/1.jpg,https://a.de/2.jpg;45;Wohnen > Stühle
0013;Tisch;99,00;nein;13.02.2024;4006381333948;https://a.de/3.jpg;120;
"""


@pytest.mark.feature("P7", "P18")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_a_shop_with_semicolons_and_decimal_commas(tmp_path: Path, encoding: str) -> None:
    sample = tmp_path / "offers_2026.csv"
    sample.write_bytes(SHOP.encode(encoding))
    made = profile.loads(infer.draft(sample).text)
    assert (made.name, [each.name for each in made.entities]) == ("offers", ["offers"])
    offers = made.entities[0]
    told = {"utf-8": None, "utf-8-sig": None, "utf-16-le": "utf-16le"}.get(encoding, encoding)
    assert (offers.format or {}).get("encoding") == told and offers.delimiter == ";"
    types = {each.name: each.type for each in offers.fields}
    assert types == {
        "art_nr": "text",
        "bezeichnung": "text",
        "preis": "decimal",
        "lieferbar": "boolean",
        "seit": "date",
        "ean": "gtin",
        "bilder": "list",
        "groesse_cm": "integer",
        "kategorie": "text",
    }
    price, images = offers.field("preis"), offers.field("bilder")
    assert (price.point, price.group, price.scale) == (",", ".", 2)
    assert (images.separator, images.items) == (",", "url")
    assert offers.field("seit").forms == ("DD.MM.YYYY",) and offers.field("lieferbar").yes == ("ja",)
    assert offers.key == "art_nr" and offers.field("art_nr").heading == "Art.-Nr."
    assert not offers.field("kategorie").required and offers.field("preis").required


@pytest.mark.parametrize(
    ("values", "kind", "doubt"),
    [
        (["1", "20"], "integer", ""),
        (["01", "20"], "text", "leading zeros"),
        (["1234567890", "1"], "text", "taken as ids"),
        (["1.5", "2"], "decimal", ""),
        (["1.500", "2.000"], "decimal", "the point may separate thousands"),
        (["1,500", "2,000"], "decimal", "the comma may separate thousands"),
        (["01.02.2024", "03.04.2024"], "date", ""),
        (["01/02/2024", "03/04/2024"], "date", "DD/MM/YYYY and MM/DD/YYYY"),
        (["31/02/2024"], "text", ""),
        (["1", "0"], "boolean", "may be numbers"),
        (["Y", "N"], "boolean", ""),
        (["Y", "Y"], "text", ""),
        (["true", "TRUE"], "boolean", ""),
        (["ftp://a", "https://b.de"], "text", ""),
        (["https://a.de/x", "https://b.de"], "url", ""),
        (["4006381333931", "4006381333930"], "text", "taken as ids"),
        (["", " "], "text", "empty in the sample"),
        (["=1+1", "2"], "text", ""),
        (["1e5", "2"], "text", ""),
        (["١", "٢"], "text", ""),
    ],
)
def test_types_are_believed_where_every_value_has_them(values: list[str], kind: str, doubt: str) -> None:
    found = guess.guess("x", values)
    assert found.type == kind
    assert doubt in " ".join(found.doubts) and bool(doubt) == bool(found.doubts)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("offers.csv", "{entity}[_{date:YYYYMMDD}][_{seq}].{ext}"),
        ("PRODUCT_18_09_2024.csv", "{entity}_{date:DD_MM_YYYY}[_{seq}].{ext}"),
        ("preise-2024-09-18_2.csv.gz", "{entity}-{date:YYYY-MM-DD}[_{seq}].{ext}"),
        ("Artikel 18.09.2024.csv", "{entity} {date:DD.MM.YYYY}[_{seq}].{ext}"),
        ("x_31_02_2024.csv", "{entity}[_{date:YYYYMMDD}][_{seq}].{ext}"),
        ("Größe {1} (2).csv", "{entity}[_{date:YYYYMMDD}][_{seq}].{ext}"),
        ("20240918.csv", "{entity}[_{date:YYYYMMDD}][_{seq}].{ext}"),
    ],
)
def test_a_draft_reads_names_like_the_samples(tmp_path: Path, name: str, form: str) -> None:
    (tmp_path / name).write_text("sku;name\n1;a\n")
    made = profile.loads(infer.draft(tmp_path / name).text)
    assert made.naming.form == form
    found = parse_name(made, name.translate(str.maketrans("{}", "__")))
    assert isinstance(found, FeedName) and found.entity == made.entities[0].name


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"PK\x03\x04xlsx", "is no table of text"),
        (b'{"items": []}', "is no table of text"),
        (b"a\x00b,c\n", "is no table of text"),
        (b"\x1f\x8b broken", "is damaged"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "is damaged"),
        (b",,\n1,2,3\n", "no columns with names"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        infer.draft(tmp_path / "x.csv")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        infer.draft(tmp_path / "x.csv")


def test_columns_that_no_name_tells_apart(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,,a,a,A b,A-b,a_b\n1,2,3,4,5,6,7\n")
    draft = infer.draft(tmp_path / "x.csv")
    assert [each.name for each in profile.loads(draft.text).entities[0].fields] == ["id", "a", "a_b_2", "a_b_3", "a_b"]
    assert "column 2 has no name" in " ".join(draft.uncertain)
    assert 'column 4 is called "a" again' in " ".join(draft.uncertain)


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.lists(_CELLS, min_size=1, max_size=5), rows=st.lists(st.lists(_CELLS, max_size=6), max_size=6))
def test_every_draft_is_a_profile(tmp_path: Path, header: list[str], rows: list[list[str]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([header, *rows])
    (tmp_path / "x.csv").write_text(stream.getvalue(), encoding="utf-8", newline="")
    try:
        draft = infer.draft(tmp_path / "x.csv")
    except UsageError:
        return
    assert len(profile.loads(draft.text).entities[0].fields) == draft.fields
