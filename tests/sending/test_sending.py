"""Sending: order, retries with a clock set by hand, verification, exactly once after a death."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedengine.errors import TransportError, UsageError
from feedengine.ledger.incidents import Incidents
from feedengine.service.alone import alone
from sending.servers import Death, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def down() -> TransportError:
    return TransportError("nobody answers", code="TRANSPORT_CONNECT")


@pytest.mark.feature("P20")
def test_a_file_appears_under_its_final_name_only_when_it_is_whole_and_verified(desk: Desk) -> None:
    desk.put_in("hello", "feed.csv")
    assert desk.drain() == 1
    server = desk.server()
    assert server.files == {"feed.csv": b"hello"}
    assert [call for call in server.calls if call[0] in ("put", "rename")] == [
        ("put", ".feed.csv.part"),
        ("rename", "feed.csv"),
    ]
    found = desk.outbox.get(1)
    assert (found.status, found.verified, found.attempts) == ("SENT", "hash", 1)


@pytest.mark.feature("P20")
def test_without_hashes_the_size_is_compared_and_without_either_nothing(desk: Desk) -> None:
    desk.server(hashes=False)
    desk.put_in("hello", "a.csv")
    desk.put_in("hello", "b.csv")
    assert desk.drain() == 2
    assert desk.outbox.get(1).verified == "size"
    desk.put_in("hello", "c.csv")
    desk.drain(check="none", temporary="")
    assert desk.outbox.get(3).verified == "none"
    assert ("put", "c.csv") in desk.server().calls


@pytest.mark.feature("P20", "P23")
def test_names_with_folders_and_other_temporary_names(desk: Desk) -> None:
    desk.put_in("x", "out/daily/feed.csv")
    assert desk.drain(temporary="{name}.filepart") == 1
    assert ("put", "out/daily/feed.csv.filepart") in desk.server().calls
    assert ("make_folder", "out/daily") in desk.server().calls
    assert desk.server().files == {"out/daily/feed.csv": b"x"}


@pytest.mark.feature("W42")
def test_attempts_back_off_and_keep_the_order(desk: Desk) -> None:
    server = desk.server()
    server.fail["connect"] = [down() for _ in range(4)]
    desk.put_in("1", "first.csv")
    desk.put_in("2", "second.csv")
    waits = []
    for _ in range(4):
        assert desk.drain() == 0
        assert desk.drain() == 0, "not due: nothing is tried"
        due = datetime.fromisoformat(desk.outbox.get(1).not_before)
        waits.append((due - desk.clock.at.replace(microsecond=0)).total_seconds())
        desk.clock.at = due
    assert waits == [1, 2, 4, 8]
    assert desk.outbox.get(2).attempts == 0
    assert desk.drain() == 2
    assert server.sent == ["first.csv", "second.csv"]
    assert server.connections == 1


@pytest.mark.feature("W42")
def test_waits_are_spread_and_bounded(desk: Desk) -> None:
    target = desk.target(first_wait=1.0, longest_wait=300.0)
    assert (target.wait(1, 0.0), target.wait(1, 1.0)) == (0.5, 1.0)
    assert (target.wait(9, 0.0), target.wait(9, 1.0)) == (128.0, 256.0)
    assert target.wait(10, 1.0) == target.wait(10**6, 1.0) == 300.0


@pytest.mark.feature("W42")
def test_a_delivery_is_given_up_after_its_last_attempt_and_the_next_one_goes(desk: Desk) -> None:
    server = desk.server()
    server.fail["put"] = [down() for _ in range(3)]
    desk.put_in("1", "first.csv")
    desk.put_in("2", "second.csv")
    for _ in range(3):
        desk.drain(attempts=3)
        desk.clock.passes(400)
    desk.drain(attempts=3)
    assert desk.status() == {"first.csv": "DEAD", "second.csv": "SENT"}
    incidents = Incidents(desk.store.ledger)
    assert [each.about["file"] for each in incidents.list()] == ["first.csv"]
    desk.outbox.retry(1)
    assert desk.drain() == 1
    assert desk.status() == {"first.csv": "SENT", "second.csv": "SENT"}
    assert incidents.list() == []


@pytest.mark.feature("W42")
def test_drop_lets_the_next_one_go(desk: Desk) -> None:
    desk.server().fail["put"] = [down()]
    desk.put_in("1", "first.csv")
    desk.put_in("2", "second.csv")
    desk.drain()
    assert desk.server().files == {}
    desk.outbox.drop(1, "me")
    assert desk.drain() == 1
    assert desk.status() == {"first.csv": "DROPPED", "second.csv": "SENT"}
    for number in (2, 1):
        with pytest.raises(UsageError):
            desk.outbox.drop(number, "me")
    with pytest.raises(UsageError):
        desk.outbox.retry(2)


@pytest.mark.feature("P26", "W42")
def test_a_destination_that_is_down_delays_no_other(desk: Desk) -> None:
    desk.server("south").fail["connect"] = [down() for _ in range(9)]
    for number in range(3):
        desk.put_in("s", f"s{number}.csv", "south")
        desk.put_in("n", f"n{number}.csv", "north")
    for name in desk.outbox.waiting():
        desk.drain(name)
    assert len(desk.server("north").files) == 3
    assert desk.server("south").files == {}
    assert list(desk.outbox.waiting()) == ["south"]


def test_a_login_that_is_refused_is_not_tried_until_the_account_is_locked(desk: Desk) -> None:
    desk.server().fail["connect"] = [TransportError("530", code="TRANSPORT_LOGIN") for _ in range(9)]
    desk.put_in("1", "first.csv")
    for _ in range(60):
        desk.drain()
        desk.clock.passes(60)
    assert desk.outbox.get(1).attempts == 2
    assert desk.outbox.get(1).status == "WAITING"


def test_what_the_server_refuses_is_given_up_soon(desk: Desk) -> None:
    desk.server().fail["put"] = [TransportError("553", code="TRANSPORT_REFUSED") for _ in range(9)]
    desk.put_in("1", "first.csv")
    for _ in range(5):
        desk.drain()
        desk.clock.passes(60)
    found = desk.outbox.get(1)
    assert (found.status, found.attempts, found.error) == ("DEAD", 3, "553")


@pytest.mark.feature("P20")
@pytest.mark.parametrize("hashes", [True, False])
def test_a_short_upload_that_was_confirmed_is_found_out(desk: Desk, hashes: bool) -> None:
    server = desk.server(hashes=hashes)
    content = "x" * 200_000
    desk.put_in(content, "feed.csv")
    server.fail["rename"] = [AssertionError("it was published")]
    whole, server.files = server.files, _Losing()
    desk.drain()
    assert desk.outbox.get(1).status == "WAITING"
    assert "bytes" in str(desk.outbox.get(1).error)
    server.files, server.fail = whole, {}
    desk.clock.passes(400)
    assert desk.drain() == 1
    assert server.files == {"feed.csv": content.encode()}


class _Losing(dict[str, bytes]):
    """A server that loses the end of what it confirms."""

    def __setitem__(self, name: str, content: bytes) -> None:
        super().__setitem__(name, content[:-7])


def test_another_content_of_the_same_size_is_found_out_by_its_hash(desk: Desk) -> None:
    server = desk.server()
    desk.put_in("right", "feed.csv")
    whole, server.files = server.files, _Wrong()
    desk.drain()
    assert "another content" in str(desk.outbox.get(1).error)
    assert dict(server.files) == {}, "what is wrong is taken away"
    server.files = whole
    desk.clock.passes(400)
    assert desk.drain() == 1


class _Wrong(dict[str, bytes]):
    def __setitem__(self, name: str, content: bytes) -> None:
        super().__setitem__(name, b"?" * len(content))


@pytest.mark.feature("P20")
def test_a_cut_upload_goes_on_where_it_was_cut(desk: Desk) -> None:
    server = desk.server()
    content = "0123456789" * 30_000
    desk.put_in(content, "feed.csv")
    server.cut = [200_000]
    desk.drain()
    desk.clock.passes(10)
    assert desk.drain() == 1
    assert ("put", f".feed.csv.part@{200_000 - 65536}") in server.calls
    assert server.files == {"feed.csv": content.encode()}


@pytest.mark.feature("P20", "W42")
@pytest.mark.parametrize("came", [0, 3, 5])
@pytest.mark.parametrize("name", ["feed.csv", "out/feed.csv"])
def test_what_is_kept_of_a_broken_upload_is_not_taken_for_the_file(desk: Desk, came: int, name: str) -> None:
    """All bytes came and the answer did not: the receiver may be one that waits for the end of the upload."""
    server = desk.server(hashes=False)
    server.keeps, server.cut = True, [came]
    desk.put_in("hello", name)
    assert desk.drain(temporary="") == 0
    assert server.files == {} and len(server.kept[name]) == came
    desk.clock.passes(10)
    assert desk.drain(temporary="") == 1
    assert server.files == {name: b"hello"} and server.kept == {}


@pytest.mark.parametrize("said", ["TRANSPORT_REFUSED", "TRANSPORT_CUT"])
def test_where_nothing_is_listed_the_size_has_to_do_but_a_lost_connection_says_nothing(desk: Desk, said: str) -> None:
    server = desk.server(hashes=False)
    server.cut = [5]
    server.fail["list"] = [TransportError("no", code=said)]
    desk.put_in("hello", "feed.csv")
    assert desk.drain(temporary="") == 0
    desk.clock.passes(10)
    assert desk.drain(temporary="") == (said == "TRANSPORT_REFUSED")
    assert server.files == {"feed.csv": b"hello"}
    assert [verb for verb, _ in server.calls].count("put") == 1


def test_a_part_of_another_file_is_not_gone_on_with(desk: Desk) -> None:
    server = desk.server()
    server.files[".feed.csv.part"] = b"?" * 100_000
    desk.put_in("0" * 200_000, "feed.csv")
    assert desk.drain() == 1
    assert ("put", ".feed.csv.part") in server.calls
    assert server.files == {"feed.csv": b"0" * 200_000}


def dies_at(desk: Desk, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die at a fault point, once."""
    armed = [where]

    def point(name: str) -> None:
        if armed == [name]:
            armed.clear()
            raise Death

    for module in ("delivering", "sending"):
        monkeypatch.setattr(f"feedengine.service.{module}.point", point)


POINTS = [
    f"serve.send.{word}"
    for word in ("begun", "before_put", "after_put", "verified", "placing", "renamed", "before_sent", "sent")
]


@pytest.mark.feature("P20")
@pytest.mark.parametrize("hashes", [True, False])
@pytest.mark.parametrize("temporary", [".{name}.part", ""])
@pytest.mark.parametrize("where", POINTS)
def test_death_at_any_point_delivers_exactly_once(
    desk: Desk, where: str, temporary: str, hashes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = desk.server(hashes=hashes)
    desk.put_in("first", "1.csv")
    desk.put_in("second", "2.csv")
    dies_at(desk, where, monkeypatch)
    if not temporary and where in ("serve.send.verified", "serve.send.placing", "serve.send.renamed"):
        assert desk.drain(temporary=temporary) == 2, "there is no such moment without a temporary name"
        return
    assert desk.drain(temporary=temporary) == -1
    for _ in range(3):
        desk.drain(temporary=temporary)
    assert server.files == {"1.csv": b"first", "2.csv": b"second"}
    assert desk.status() == {"1.csv": "SENT", "2.csv": "SENT"}
    if temporary:
        assert server.sent == ["1.csv", "2.csv"]


@pytest.mark.feature("P20")
@pytest.mark.parametrize("where", ["serve.send.renamed", "serve.send.before_sent"])
def test_what_the_receiver_took_before_the_death_was_noticed_is_not_sent_again(
    desk: Desk, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put_in("first", "1.csv")
    dies_at(desk, where, monkeypatch)
    desk.drain()
    assert desk.server().files.pop("1.csv") == b"first"
    assert desk.drain() == 1
    assert desk.server().files == {}
    assert desk.outbox.get(1).verified == "taken"


def test_a_stable_name_is_not_taken_for_sent_because_an_old_file_has_its_size(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = desk.server(hashes=False)
    server.files["stock.csv"] = b"old 1"
    desk.put_in("new 2", "stock.csv")
    dies_at(desk, "serve.send.placing", monkeypatch)
    desk.drain()
    assert desk.drain() == 1
    assert server.files == {"stock.csv": b"new 2"}


@pytest.mark.feature("P23")
def test_an_existing_file_is_replaced_or_kept_as_the_target_says(desk: Desk) -> None:
    server = desk.server()
    server.files["stock.csv"] = b"old"
    desk.put_in("new", "stock.csv")
    for _ in range(4):
        desk.drain(existing="fail")
        desk.clock.passes(60)
    assert (desk.outbox.get(1).status, server.files) == ("DEAD", {"stock.csv": b"old"})
    desk.outbox.retry(1)
    assert desk.drain() == 1
    assert server.files == {"stock.csv": b"new"}


def test_an_identical_file_that_is_there_already_is_not_sent(desk: Desk) -> None:
    desk.server().files["a.csv"] = b"same"
    desk.put_in("same", "a.csv")
    assert desk.drain() == 1
    assert desk.server().sent == []


@pytest.mark.feature("P21")
def test_nothing_is_sent_in_the_hours_of_a_blackout(desk: Desk) -> None:
    desk.put_in("1", "1.csv")
    desk.clock.at = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)
    keys = {"blackout": "22:00-06:00", "time_zone": "Europe/Berlin"}
    assert desk.drain(**keys) == 0
    found = desk.outbox.get(1)
    assert (found.not_before, found.attempts) == ("2026-11-22T05:00:00Z", 0)
    desk.clock.at = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
    assert desk.drain(**keys) == 1


@pytest.mark.parametrize(
    ("window", "at", "until"),
    [
        ("22:00-06:00", 21, None),
        ("22:00-06:00", 22, 30),
        ("22:00-06:00", 3, 6),
        ("22:00-06:00", 6, None),
        ("08:00-17:00", 8, 17),
        ("08:00-17:00", 17, None),
        ("", 3, None),
    ],
)
def test_blackout_hours(desk: Desk, window: str, at: int, until: int | None) -> None:
    day = datetime(2026, 11, 21, at, tzinfo=UTC)
    end = desk.target(blackout=window).quiet_until(day)
    assert end == (None if until is None else datetime(2026, 11, 21 + until // 24, until % 24, tzinfo=UTC))


def test_two_never_send_to_one_target_at_once(desk: Desk) -> None:
    desk.put_in("1", "1.csv")
    with alone(desk.store, "send", "shop") as ours:
        assert ours
        assert desk.drain() == 0
        assert desk.server().calls == []
    assert desk.drain() == 1


def test_a_lost_copy_is_said_and_does_not_stop_the_next_one(desk: Desk) -> None:
    desk.put_in("1", "1.csv")
    desk.put_in("2", "2.csv")
    (desk.store.root / desk.outbox.get(1).file).unlink()
    desk.drain()
    assert desk.status() == {"1.csv": "DEAD", "2.csv": "SENT"}
