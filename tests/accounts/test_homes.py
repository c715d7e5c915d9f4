"""Login names and home folders: no two logins share one, none climbs or hides, whatever its letters."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feedengine.accounts import homes
from feedengine.errors import UsageError

TRICKY = [
    "user@x.com(Account Name)",
    "..",
    ".",
    "../../etc",
    "a/b",
    "a\\b",
    "%2E%2E",
    ".hidden",
    "ends.",
    "a:b",
    "~root",
    "-rf",
    "Ünïcödé@x",
    "CON",
    "a%00b",
]
NAMES = st.one_of(st.sampled_from(TRICKY), st.text(min_size=1, max_size=40), st.emails())


def accepted(raw: str) -> str | None:
    try:
        return homes.login(raw)
    except UsageError:
        return None


@pytest.mark.feature("C9", "P14")
@given(NAMES)
def test_a_home_is_one_path_element_and_leads_back_to_its_login(raw: str) -> None:
    name = accepted(raw)
    assume(name is not None)
    folder = homes.folder(name)
    assert homes.login_of(folder) == name
    assert homes.chosen(folder) == folder
    path = Path("/store/homes") / folder
    assert path.parent == Path("/store/homes") and path.name == folder
    assert "\0" not in folder and not folder.startswith(".") and len(folder.encode()) <= 255


@given(NAMES, NAMES)
def test_two_logins_have_two_homes(one: str, other: str) -> None:
    first, second = accepted(one), accepted(other)
    assume(first is not None and second is not None and first != second)
    assert homes.folder(first) != homes.folder(second)


@given(st.text(max_size=40))
def test_a_login_has_one_form(raw: str) -> None:
    name = accepted(raw)
    if name is None:
        assert not raw or raw != raw.strip() or not unicodedata.normalize("NFC", raw).isprintable()
    else:
        assert homes.login(name) == name and name == unicodedata.normalize("NFC", name)
        assert accepted(unicodedata.normalize("NFD", raw)) == name


@pytest.mark.parametrize("raw", ["", " a", "a ", "a\nb", "a\0b", "a\x7f", "a\u202eb", "x" * 129, "\U0001f600" * 60])
def test_names_that_could_deceive_are_refused(raw: str) -> None:
    with pytest.raises(UsageError):
        homes.login(raw)


@pytest.mark.parametrize("raw", ["", ".", "..", "a/b", "/etc", "a\\b", ".git", "a\n", "x" * 201])
def test_a_chosen_home_is_one_plain_name(raw: str) -> None:
    with pytest.raises(UsageError):
        homes.chosen(raw)
