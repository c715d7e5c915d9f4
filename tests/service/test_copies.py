"""Records copied out of XML documents of any size, a piece at a time, against what they were made of."""

from __future__ import annotations

import io
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedengine.service import copies

#: What may stand between records, and what a record may be.
BETWEEN = st.sampled_from(["", "\n", "  <!-- <item/> -->", "<other><item>no</item></other>", "<?pi item?>"])
RECORD = st.sampled_from(
    [
        "<item/>",
        "<item>a/></item>",
        "<item><x/></item>",
        "<item id='>'/>",
        "<item>é&amp;</item>",
        "<item><item>inner</item></item>",
        "<x:item xmlns:x='u'>a</x:item >",
        "<item><![CDATA[</item>]]></item>",
        "<item\n a='1'>\u3e00</item\n>",
    ]
)
ENCODINGS = {"utf-8": "utf-8", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "latin-1": "latin-1"}


@pytest.mark.feature("P29", "W39")
@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(BETWEEN, RECORD, st.booleans()), min_size=1, max_size=6),
    BETWEEN,
    st.sampled_from(sorted(ENCODINGS)),
    st.booleans(),
    st.integers(2, 40),
)
def test_a_document_keeps_the_records_that_are_wanted(
    parts: list[tuple[str, str, bool]], last: str, name: str, marked: bool, step: int
) -> None:
    encoding = ENCODINGS[name]
    parts = [(before, record.encode(encoding, "xmlcharrefreplace").decode(encoding), keep)
             for before, record, keep in parts]  # fmt: skip
    mark = "\ufeff" if marked and name.startswith("utf") else ""
    head = f"{mark}<feed>"
    document, wanted = head, []
    for before, record, keep in parts:
        document += before
        wanted += [len(document.encode(encoding))] if keep else []
        document += record
    document += f"{last}</feed>\n"
    out = io.BytesIO()
    with mock.patch.object(copies, "_STEP", step):
        count = copies.xml(io.BytesIO(document.encode(encoding)), wanted, out, "feed/item", name)
    kept = "\n".join(record for _, record, keep in parts if keep)
    assert (count, out.getvalue().decode(encoding)) == (len(wanted), f"{head}{parts[0][0]}{kept}\n{last}</feed>\n")
