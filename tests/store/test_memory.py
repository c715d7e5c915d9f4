"""DuckDB is kept from one catalog to the next, and given up where it holds on to memory that it will not give back."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.store import Store, database

MIB = 1 << 20


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(database, "_settled", 0)
    monkeypatch.setattr(database, "_widened", False)
    made = Store.create(tmp_path)
    made.warm()
    return made


def used(store: Store) -> object:
    """Open a catalog and close it as a task does; what is kept for the next one."""
    with store.catalog("key", create=True) as catalog:
        catalog._start()
    return store._idle[0] if store._idle else None


def resident(monkeypatch: pytest.MonkeyPatch, *sizes: int | None) -> None:
    """What the process holds at each look, in MiB; the last one from then on."""
    told = [None if size is None else size * MIB for size in sizes]
    monkeypatch.setattr(database, "_resident", lambda: told.pop(0) if len(told) > 1 else told[0])


@pytest.mark.feature("P4")
def test_it_is_given_up_where_it_does_not_give_back_what_it_took(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    resident(monkeypatch, 100)
    first = used(store)
    assert first is not None and used(store) is first
    resident(monkeypatch, 100 + 15)
    assert used(store) is first, "hardly grown"
    resident(monkeypatch, 100 + 40, 100 + 5)
    assert used(store) is first, "that was its cache, and it gave it back"
    resident(monkeypatch, 100 + 40)
    assert used(store) is None, "it holds on to it"
    store.warm()
    another = used(store)
    assert another is not None and another is not first
    assert used(store) is another, "what the process holds now is not laid to the new one's account"


def test_growth_is_counted_from_the_least_that_was_held(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    resident(monkeypatch, 100)
    first = used(store)
    for size in (117, 133, 149):
        resident(monkeypatch, size, 110)
        assert used(store) is first, "each time it was given back"
    resident(monkeypatch, 117)
    assert used(store) is None


def test_it_is_kept_where_the_system_does_not_say_what_is_held(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    resident(monkeypatch, None)
    first = used(store)
    assert first is not None
    assert [used(store) for _ in range(3)] == [first] * 3


def test_a_wide_tables_memory_is_taken_back_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    resident(monkeypatch, 100)
    first = used(store)
    with store.catalog("key", create=True) as catalog:
        con = catalog._start()
        database.room_for(con, store.options, 10_000)
        (wide,) = con.execute("SELECT current_setting('memory_limit')").fetchall()
    assert store._idle == [first]
    (usual,) = store._idle[0].execute("SELECT current_setting('memory_limit')").fetchall()
    assert (wide, usual) == (("3.0 GiB",), ("100.0 MiB",))
