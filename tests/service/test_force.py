"""Who may use force, and when, where the settings say so: all combinations beside a few obvious sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from command import command
from feedengine import ingest
from feedengine.accounts import Accounts
from feedengine.errors import UsageError
from feedengine.ledger import Task
from feedengine.service import letters, whereabouts
from service.place import Place

pytestmark = pytest.mark.feature("C27")

SYNC = "id,item_name\nA,a\nB,b\nC,c\n"
LESS = "id,item_name\nA,a\n"
MORE = SYNC + "D,d\n"
PERSON, ROLE = "ann@shop.example", "erp"


def place_with(root: Path, rules: str) -> Place:
    """Three items, and two accounts: a person's and a program's."""
    place = Place(root, f"[safeguard]\n{rules}")
    accounts = Accounts(place.store.root)
    place.person = accounts.add(PERSON)[0].account
    place.role = accounts.add(ROLE, role=True)[0].account
    place.land(place.name("sync"), SYNC)
    place.work()
    return place


def sent(place: Place, account: str, operation: str, content: str = LESS, key: str = "key_a1") -> Task:
    """A feed of this account, once a worker had it."""
    place.account = replace(place.role if account == ROLE else place.person, home="shop", keys=(key,))
    number = place.land(place.name(operation, key), content)
    place.work()
    return place.task(number)


def outcome_by_the_book(account: str, source: str, held: bool, before: bool, content: str) -> tuple[str, str | None]:
    """What becomes of a forced feed, sentence by sentence of the manual."""
    allowed = {"anybody": True, "persons": account == PERSON, "the program": account == ROLE}[source]
    if not allowed:
        return "refused", "FORCE_NOT_ALLOWED"
    if held and content == LESS and not before:
        return "refused", "FORCE_NOT_HELD"
    return "ok", None


FROM = {"anybody": "[]", "persons": '["persons"]', "the program": '["erp"]'}
# Whose feed, whether it was stopped without force before, and what is in it: less than the limit wants, or more.
FEEDS = ((PERSON, False, LESS), (ROLE, False, LESS), (PERSON, True, LESS), (ROLE, True, LESS), (ROLE, False, MORE))


@pytest.mark.parametrize("source", FROM)
@pytest.mark.parametrize("held", [False, True], ids=["at once", "once held"])
def test_force_is_used_by_who_may_and_when(tmp_path: Path, source: str, held: bool) -> None:
    place = place_with(tmp_path, f"force_from = {FROM[source]}\nforce_held = {str(held).lower()}")
    for number, (account, before, content) in enumerate(FEEDS):
        key = f"key_{number}"
        sent(place, PERSON, "sync", SYNC, key)
        stopped = sent(place, account, "sync", content, key) if before else None
        assert stopped is None or (stopped.outcome, (stopped.error or {})["code"]) == ("refused", "SAFEGUARD")
        forced = sent(place, account, "forcesync", content, key)
        expected = outcome_by_the_book(account, source, held, before, content)
        assert (forced.outcome, (forced.error or {}).get("code")) == expected, (account, before, content)
        done = forced.outcome == "ok"
        assert sorted(place.items(key)) == (["A", "B", "C"] if not done else ["A"] if content == LESS else list("ABCD"))
        if stopped is not None:
            found = place.task(stopped.id)
            assert (found.decision, found.decided_by) == (("approved", account) if done and held else (None, None))


def test_the_sender_reads_why_and_the_operator_what_to_type(tmp_path: Path) -> None:
    place = place_with(tmp_path, 'force_from = ["persons"]')
    task = sent(place, ROLE, "forcesync")
    assert task.waiting
    summary = json.loads(place.seen(f"/reports/feeds/{task.id}/summary.json"))
    assert summary["error"]["code"] == "FORCE_NOT_ALLOWED" and "erp may not use force" in summary["error"]["message"]
    [found] = whereabouts.find(place.store, str(task.filename))
    assert found.said.startswith("stopped because its sender may not use force, waits for approval since 2")
    assert summary["error"]["state"] == "Nothing was changed. Snapshot 1 is still current."
    told = letters.task_text(task, [], 0, operator=True, reports=None, attached=False)
    assert "was stopped because its sender may not use force. Nothing was changed." in told
    assert f'feedengine task approve {task.id} --remove 2 --reason "..."' in told
    assert "Send it again without force" in letters.task_text(task, [], 0, operator=False, reports=None, attached=False)
    shown = command("--config", place.file, "task", "show", str(task.id))
    assert f"task approve {task.id} --remove 2" in shown.stderr and f"task reject {task.id}" in shown.stderr
    with pytest.raises(UsageError, match="would remove 2 records"):
        ingest.approve(place.store, place.settings, task.id, remove=1, reason="sale", actor="op")
    ingest.approve(place.store, place.settings, task.id, remove=2, reason="sale", actor="op")
    assert sorted(place.items()) == ["A"]


def test_an_approval_without_removals_removes_nothing_whatever_the_name_says(tmp_path: Path) -> None:
    place = place_with(tmp_path, 'force_from = ["persons"]')
    task = sent(place, ROLE, "forcesync", "id,item_name\nA,changed\n")
    result = ingest.approve(place.store, place.settings, task.id, remove=None, reason=None, actor="op")
    assert result.report["verdict"] == "held"
    assert place.items() == {"A": "changed", "B": "b", "C": "c"}


def test_force_skips_nothing_but_the_safeguard(tmp_path: Path) -> None:
    place = place_with(tmp_path, 'force_from = ["persons"]')
    task = sent(place, PERSON, "forcesync", "id,item_name\nA,a\nB,\n")
    assert (task.outcome, (task.error or {})["code"]) == ("rejected_file", "MISSING_FIELD")


def test_what_was_fetched_is_no_persons_and_what_is_typed_is(tmp_path: Path) -> None:
    place = place_with(tmp_path, 'force_from = ["persons"]')
    for protocol, expected in (("fetch", "refused"), (None, "ok")):
        file = tmp_path / place.name("forcesync")
        file.write_text(LESS)
        number = place.desk.submit(file, actor="source erp" if protocol else "ann@desk", protocol=protocol)
        place.work()
        assert place.task(number).outcome == expected


def test_a_held_plan_lets_force_pass_only_where_it_is_the_same(tmp_path: Path) -> None:
    place = place_with(tmp_path, "force_held = true")
    assert sent(place, PERSON, "sync").outcome == "refused"
    assert (sent(place, PERSON, "forcesync", "id,item_name\nB,b\n").error or {})["code"] == "FORCE_NOT_HELD"
    assert sent(place, PERSON, "delta", "id,item_name\nE,e\n").outcome == "ok"
    assert (sent(place, PERSON, "forcesync").error or {})["code"] == "FORCE_NOT_HELD", "there is more to remove by now"
    assert sorted(place.items()) == ["A", "B", "C", "E"]


@pytest.mark.feature("U1")
def test_the_command_is_bound_to_a_plan_that_was_stopped(tmp_path: Path) -> None:
    place = place_with(tmp_path, "force_held = true")
    file = tmp_path / place.name("sync")
    file.write_text(LESS)
    first = command("--config", place.file, "--json", "plan", file, "--force", "--reason", "sale")
    assert first.returncode == 3 and json.loads(first.stdout)["force_refused"]["code"] == "FORCE_NOT_HELD"
    forced = command("--config", place.file, "sync", file, "--force", "--reason", "sale")
    assert forced.returncode == 3 and "stopped before" in forced.stderr and "task approve" in forced.stderr
    task = place.store.ledger.list(waiting=True).tasks[0]
    place.store.ledger.reject(task.id, actor="op", reason=None)
    assert command("--config", place.file, "sync", file).returncode == 3
    stopped = place.store.ledger.list(waiting=True).tasks[0]
    done = command("--config", place.file, "sync", file, "--force", "--reason", "sale")
    assert done.returncode == 0, done.stderr
    assert place.task(stopped.id).decided_reason == "sale" and sorted(place.items()) == ["A"]


def test_a_catalog_has_a_rule_of_its_own(tmp_path: Path) -> None:
    place = place_with(tmp_path, '[catalogs."key_a1/Products".safeguard]\nforce_from = ["ann@shop.example"]')
    assert (sent(place, ROLE, "forcesync").error or {})["code"] == "FORCE_NOT_ALLOWED"
    assert sent(place, PERSON, "forcesync").outcome == "ok"


def test_a_mail_names_who_may_send_it_again(tmp_path: Path) -> None:
    place = place_with(tmp_path, 'force_from = ["persons"]')
    told = letters.task_text(sent(place, ROLE, "sync"), [], 0, operator=True, reports=None, attached=False)
    assert "_forcesync_" in told and "without the safeguard; from persons alone" in told
