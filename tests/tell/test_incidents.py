"""Incidents and messages in the ledger: one open incident a problem, one message a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.errors import NotFound
from feedengine.ledger import Ledger
from feedengine.ledger.incidents import KINDS, Incidents
from feedengine.ledger.messages import Messages
from tell.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path):
    found = Ledger(tmp_path / "ledger.sqlite")
    yield found
    found.close()


@pytest.fixture
def incidents(ledger: Ledger, clock: Clock) -> Incidents:
    return Incidents(ledger, clock.iso)


@pytest.fixture
def messages(ledger: Ledger, clock: Clock) -> Messages:
    return Messages(ledger, clock.iso)


def test_a_problem_seen_again_is_the_same_incident(incidents: Incidents, clock: Clock) -> None:
    first = incidents.open("disk_low", "store", {"free": 10})
    clock.forward(minutes=5)
    again = incidents.open("disk_low", "store", {"free": 5})
    assert again.id == first.id
    assert (again.count, again.opened, again.seen) == (2, "2026-11-21T02:00:00Z", "2026-11-21T02:05:00Z")
    assert again.about == {"free": 5}
    assert incidents.seen("disk_low", "store") and not incidents.seen("disk_low", "other")


def test_closing_is_idempotent_and_a_later_problem_is_a_new_incident(incidents: Incidents, clock: Clock) -> None:
    first = incidents.open("source_failing", "erp", {})
    assert incidents.close("source_failing", "erp") and not incidents.close("source_failing", "erp")
    assert not incidents.seen("source_failing", "erp")
    clock.forward(hours=1)
    second = incidents.open("source_failing", "erp", {})
    assert second.id != first.id and second.count == 1
    assert [each.id for each in incidents.list()] == [second.id]
    assert [each.id for each in incidents.list(open_only=False)] == [second.id, first.id]
    assert incidents.get(first.id).closed == "2026-11-21T02:00:00Z"


def test_kinds_are_counted_and_only_known_ones_are_taken(incidents: Incidents) -> None:
    incidents.open("task_failed", "k1/Products", {})
    incidents.open("task_failed", "k2/Products", {})
    assert incidents.counts() == dict.fromkeys(KINDS, 0) | {"task_failed": 2}
    with pytest.raises(ValueError):
        incidents.open("rain", "x", {})


@pytest.mark.feature("W14")
def test_an_open_incident_is_told_once_then_reminded_unless_acknowledged(incidents: Incidents, clock: Clock) -> None:
    made = incidents.open("source_missing", "erp", {})
    assert [each.id for each in incidents.to_tell(None)] == [made.id]
    incidents.notified(made.id)
    assert incidents.to_tell(None) == []
    clock.forward(hours=25)
    before = "2026-11-22T03:00:00Z"
    assert incidents.to_tell("2026-11-21T01:00:00Z") == []
    assert [each.id for each in incidents.to_tell(before)] == [made.id]
    incidents.acknowledge(made.id, "ann@host")
    assert incidents.to_tell(before) == []
    assert incidents.get(made.id).acknowledged_by == "ann@host"
    with pytest.raises(NotFound):
        incidents.acknowledge(99, "ann@host")


def test_closed_incidents_are_forgotten_after_their_time_and_open_ones_never(
    incidents: Incidents, clock: Clock
) -> None:
    incidents.open("disk_low", "store", {})
    incidents.open("part_crashing", "sftp", {})
    incidents.close("disk_low", "store")
    assert incidents.prune(clock.iso()) == 0
    clock.forward(days=91)
    assert incidents.prune(clock.iso()) == 1
    assert [each.kind for each in incidents.list(open_only=False)] == ["part_crashing"]


@pytest.mark.feature("W14")
def test_a_message_of_a_key_is_taken_once_whatever_became_of_it(messages: Messages) -> None:
    assert messages.enqueue("mail", "task/1/failure", {"subject": "a"}, task=1)
    assert not messages.enqueue("mail", "task/1/failure", {"subject": "b"}, task=1)
    (message,) = messages.due()
    assert message.body == {"subject": "a"} and message.task == 1
    messages.sent(message.id)
    assert not messages.enqueue("mail", "task/1/failure", {"subject": "c"}, task=1)
    assert messages.due() == []


def test_a_failed_message_waits_and_then_is_dead_until_somebody_retries(messages: Messages, clock: Clock) -> None:
    messages.enqueue("webhook", "task/1/failure/erp", {}, place="erp")
    (message,) = messages.due()
    messages.failed(message.id, "503", "2026-11-21T02:01:00Z")
    assert messages.due() == [] and messages.next_due() == "2026-11-21T02:01:00Z"
    clock.forward(minutes=1)
    (message,) = messages.due()
    assert (message.attempts, message.error) == (1, "503")
    messages.failed(message.id, "gone", None)
    assert messages.due() == [] and messages.next_due() is None
    assert messages.counts()["webhook", "dead"] == 1
    assert messages.retry() == 1
    (message,) = messages.due()
    assert (message.status, message.attempts) == ("waiting", 0)


def test_messages_that_wait_are_never_pruned(messages: Messages, clock: Clock) -> None:
    for number in range(3):
        messages.enqueue("mail", str(number), {})
    messages.sent(1)
    messages.failed(2, "no", None)
    clock.forward(days=1)
    assert messages.prune(clock.iso()) == 2
    assert [each.unique_key for each in messages.list()] == ["2"]


def test_an_event_is_noted_once(messages: Messages) -> None:
    assert messages.once("task 1 DONE") and not messages.once("task 1 DONE") and messages.once("task 2 DONE")
