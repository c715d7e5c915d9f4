"""From an ended task to a mail in somebody's box: who hears of what, once a problem, and again after kill -9."""

from __future__ import annotations

import csv
import email
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from cli.canned import BAD_NUMBER, GOOD
from command import environment
from feedengine.accounts import Accounts
from feedengine.cli.dispatch import dispatch
from feedengine.cli.tree import VERBS
from feedengine.errors import ConfigError
from feedengine.ledger import Queue
from feedengine.ledger.incidents import KINDS
from feedengine.notify.webhook import SIGNATURE, verify
from feedengine.service import letters, whereabouts
from feedengine.service.posting import receiver, send_due, wait
from feedengine.service.telling import errors_csv, settle, tell_incidents, tell_task
from tell import servers
from tell.clock import Clock
from tell.office import NAME, Office
from tell.servers import Smtp

BODY = {
    "from": "feedengine@shop.example", "subject": "s", "text": "t", "message_id": "m@shop.example", "attach": None,
}  # fmt: skip


@pytest.fixture
def office(tmp_path: Path):
    made = Office(tmp_path)
    yield made
    made.store.ledger.close()


def mail(*lines: str, host: str = "127.0.0.1", port: int = 25) -> str:
    more = "\n".join(lines)
    return f'[mail]\nhost = "{host}"\nport = {port}\nsecurity = "none"\nto = ["ops@shop.example"]\n{more}\n'


def test_without_settings_nobody_is_told_but_the_incident_is_kept(office: Office) -> None:
    office.failed()
    assert office.waiting() == []
    assert [(each.kind, each.key) for each in office.incidents.list()] == [("task_failed", "key_7AeG/Products")]


@pytest.mark.feature("W14", "C41", "P31")
def test_a_failure_is_mailed_once_while_the_problem_is_open_and_again_after_it(office: Office) -> None:
    office.configure(mail())
    first = office.failed()
    assert office.waiting() == [(f"[feedengine] FAILED sync key_7AeG/Products task {first}", "ops@shop.example")]
    office.failed()
    assert len(office.waiting()) == 1
    office.failed("OTHER")
    assert len(office.waiting()) == 2, "another reason is another problem"
    office.done()
    assert office.incidents.list() == []
    last = office.failed()
    assert office.waiting()[-1][0].endswith(f"task {last}") and len(office.waiting()) == 3


def test_a_mail_for_each_task_where_that_is_wanted(office: Office) -> None:
    office.configure(mail("each = true"))
    for _ in range(3):
        office.failed()
    assert len(office.waiting()) == 3


def test_telling_twice_of_one_ending_is_telling_once_and_a_retry_is_another_ending(office: Office) -> None:
    office.configure(mail('on = ["failure", "success"]', "each = true"))
    task = office.failed()
    for _ in range(3):
        tell_task(office.store, office.settings, task)
    assert len(office.waiting()) == 1 and office.incidents.list()[0].count == 1
    Queue(office.store.ledger).again(task)
    tell_task(office.store, office.settings, task)
    assert len(office.waiting()) == 1, "a task that waits again has not ended"
    office.store.ledger.start(task)
    office.store.ledger.finish(task, "ok", new_snapshot=1, report=GOOD)
    tell_task(office.store, office.settings, task)
    assert office.waiting()[-1][0] == f"[feedengine] DONE sync key_7AeG/Products task {task}"


@pytest.mark.feature("W14", "P29")
def test_the_accounts_own_addresses_hear_of_their_feeds(office: Office) -> None:
    Accounts(office.store.root).add("ann", mail=("ann@partner.example", "ops@shop.example"))
    Accounts(office.store.root).add("bob", mail=("bob@partner.example",))
    office.configure(mail('on_account = ["success", "errors", "failure"]'))
    office.failed()
    office.done("ok_with_errors")
    office.done(account="bob", key="k2")
    assert [to for _, to in office.waiting()] == [
        "ops@shop.example",
        "ann@partner.example",
        "ann@partner.example",
        "ops@shop.example",
        "bob@partner.example",
    ]
    letter = office.messages.list(limit=10)[3].body["text"]
    assert "feedengine task" not in letter and "Correct the file and send it again" in letter


def test_a_fault_of_ours_names_none_of_our_folders_to_the_sender(office: Office) -> None:
    Accounts(office.store.root).add("ann", mail=("ann@partner.example",))
    office.configure(mail())
    task = office.landed()
    error = {"code": "QUARANTINED", "message": "it is kept in /srv/feeds/store/quarantine/1/x.csv"}
    office.store.ledger.fail(task, "quarantined", error=error)
    tell_task(office.store, office.settings, task)
    texts = {each.body["to"]: each.body["text"] for each in office.messages.list()}
    assert "/srv/feeds" in texts["ops@shop.example"] and "/srv/feeds" not in texts["ann@partner.example"]
    assert "not the file's [QUARANTINED]" in texts["ann@partner.example"]
    assert [each.kind for each in office.incidents.list()] == ["worker_quarantined"]


@pytest.mark.feature("U20")
@pytest.mark.parametrize("decision", ["blocked", "forced"])
def test_what_a_list_refused_is_told_even_where_no_limit_speaks(office: Office, decision: str) -> None:
    office.configure(mail('on = ["success", "failure"]'))
    each = {
        "entity": "items", "column": "id", "file": "sellers.txt", "listed": 50, "missing_before": 0, "lost": 3,
        "base": 50, "share": 0.06, "limit": "2%", "decision": "blocked", "first": ["A1"], "counts_missing": False,
    }  # fmt: skip
    guard = {
        "decision": decision,
        "entities": {},
        "signature": None,
        "segments": [],
        "values": [],
        "must_exist": [each],
    }
    task = office.landed()
    error = {"code": "SAFEGUARD", "message": "refused", "hints": []}
    office.store.ledger.fail(task, "refused", error=error, report={**GOOD, "safeguard": guard}, problems=[])
    text = letters.task_text(office.store.ledger.get(task), [], 0, operator=True, reports=None, attached=False)
    assert f"Safeguard sellers.txt: 3 of 50 items lost (6.0 %), limit 2%: {decision}" in text.splitlines(), text


def test_a_stopped_feed_is_held_until_it_is_decided(office: Office) -> None:
    office.configure(mail('on = ["hold"]'))
    task = office.failed("SAFEGUARD", "refused")
    ((subject, _),) = office.waiting()
    assert subject == f"[feedengine] FAILED sync key_7AeG/Products task {task}"
    settle(office.store)
    assert [each.kind for each in office.incidents.list()] == ["task_held"]
    office.store.ledger.reject(task, actor="eve", reason=None)
    settle(office.store)
    assert office.incidents.list() == []


def test_a_newer_feed_that_was_applied_by_hand_settles_a_failure(office: Office) -> None:
    office.failed()
    settle(office.store)
    assert len(office.incidents.list()) == 1
    task = office.landed()
    office.store.ledger.finish(task, "ok", new_snapshot=61)
    settle(office.store)
    assert office.incidents.list() == []


@pytest.mark.feature("C41")
def test_the_letter_says_what_happened_and_what_to_type_next(office: Office) -> None:
    office.configure(mail())
    task = office.failed("SAFEGUARD", "refused")
    text = office.messages.list()[0].body["text"]
    for line in (
        f"The feed {NAME} was stopped by the removal safeguard. Nothing was changed.",
        f"File      {NAME}, 402,118,200 bytes",
        "Catalog   key_7AeG/Products",
        "From      account ann, ftps, 192.0.2.7",
        "Error     the file is wrong: SAFEGUARD [SAFEGUARD]",
        "Safeguard items: 1,202,842 of 2,013,934 would go (59.7 %), limit 50%: blocked",
        "Rows      items: 811,204 rows, +112 ~4,031 -1,202,842, 0 rejected",
        f"  feedengine task reject {task}",
        f"  feedengine task approve {task} --hold-removals",
        f'  feedengine task approve {task} --remove 1202842 --reason "..."',
        "  send it again as key_7AeG_Products_forcesync_2026-11-21-02-00-00.tar.gz",
        f"The reports are in /reports/feeds/{task} of the account that sent the file.",
    ):
        assert line in text.splitlines(), text
    assert "Received  20" in text and "Ended     20" in text


@pytest.mark.feature("W14", "W37")
def test_the_letter_lists_the_first_twenty_problems_and_says_how_many_there_are(office: Office) -> None:
    office.configure(mail())
    office.failed()
    text = office.messages.list()[0].body["text"]
    assert "The first 20 of 30 problems:" in text
    assert text.count("BAD_NUMBER SKU-1101853 suggested_score=") == 20
    assert "  items.csv:97929  BAD_NUMBER" in text
    assert "errors.csv, with every listed problem, is attached." in text


@pytest.mark.feature("W14", "W37", "W38", "W44")
def test_the_letter_counts_faults_by_family_and_rows_that_wait(office: Office) -> None:
    task = office.landed()
    codes = (("BAD_DATE", "format", 2), ("KEY_CONFLICT", "duplicate_keys", 3), ("UNKNOWN_SKU", "unknown_references", 1))
    by_code = [
        {"code": code, "severity": "row", "count": count, "first": {"family": family}}
        for code, family, count in (*codes, ("WEAK_MATCH", "duplicate_keys", 9))
    ]
    by_code[-1]["severity"] = "warning"
    counts = {"rows": 20, "added": 4, "changed": 0, "unchanged": 0, "removed": 0, "rejected": 6, "parked": 10}
    report = {"problems": {"by_code": by_code}, "entities": {"customer_notes": counts}}
    office.store.ledger.finish(task, "ok_with_errors", new_snapshot=3, report=report)
    text = letters.task_text(office.store.ledger.get(task), [], 6, operator=False, reports=None, attached=False)
    assert [line for line in text.splitlines() if line.startswith(("Rows", "Faults", "          "))] == [
        "Rows      customer notes: 20 rows, +4 ~0 -0, 6 rejected, 10 wait for other records",
        "Faults    duplicate keys: 3. Correct the pair of ids, or send the system id of the record that is meant.",
        "          unknown references: 1. Send the records that are named first, then these rows again.",
        "          format errors: 2. Correct the columns and values as the template has them.",
    ]
    assert "send them alone, or the whole file again" in text
    [where] = whereabouts.find(office.store, NAME)
    assert where.said.endswith(", some rows rejected: 6, 10 wait for other records")


def test_what_comes_from_a_feed_cannot_forge_the_letter(office: Office) -> None:
    office.configure(mail())
    task = office.landed(filename="a\nSubject: x\x1b[2J.csv")
    problem = {**BAD_NUMBER, "value": "x\n\nNext:\n  rm -rf /", "message": "y" * 5000}
    office.store.ledger.fail(task, "failed", error={"code": "X", "message": "a\r\nb"}, problems=[problem])
    tell_task(office.store, office.settings, task)
    text = office.messages.list()[0].body["text"]
    assert text.count("\nNext:") == 1 and "\x1b" not in text and "\r" not in text
    assert max(map(len, text.splitlines())) < 700


def test_names_that_pass_the_safeguard() -> None:
    assert letters.forced_name("k1_Products_delta_2026.csv") == "k1_Products_forcedelta_2026.csv"
    assert letters.forced_name("k1_Products_forcedelta_2026.csv") is None
    assert letters.forced_name("nonsense") is None and letters.forced_name(None) is None


@pytest.mark.feature("W27")
def test_a_merge_that_was_stopped_is_not_offered_in_part(office: Office) -> None:
    office.configure(mail())
    office.failed("SAFEGUARD", "refused")
    office.failed("SAFEGUARD", "refused", operation="merge", filename="merge.csv")
    merged, synced = (each.body["text"] for each in office.messages.list())
    assert "--hold-removals" in synced and "--hold-removals" not in merged
    assert "--remove 1202842" in merged and "task reject" in merged


@pytest.mark.feature("L6")
def test_an_incident_is_mailed_once_reminded_and_told_again_when_it_comes_back(office: Office) -> None:
    office.configure(mail("reminder = 24"))
    office.incidents.open("source_missing", "erp", {"expected": "03:00"})
    tell_incidents(office.store, office.settings)
    tell_incidents(office.store, office.settings)
    office.incidents.open("source_missing", "erp", {"expected": "03:00"})
    tell_incidents(office.store, office.settings)
    assert office.waiting() == [("[feedengine] PROBLEM source_missing erp", "ops@shop.example")]
    text = office.messages.list()[0].body["text"]
    assert "A source's file was expected" in text and "feedengine incident ack 1" in text and "03:00" in text
    later = Clock()
    later.at = datetime.now(UTC)
    later.forward(hours=25)
    tell_incidents(office.store, office.settings, later.at)
    assert office.waiting()[-1][0] == "[feedengine] REMINDER source_missing erp"
    office.incidents.close("source_missing", "erp")
    office.incidents.open("source_missing", "erp", {})
    tell_incidents(office.store, office.settings)
    assert [subject for subject, _ in office.waiting()].count("[feedengine] PROBLEM source_missing erp") == 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_incident_has_a_letter_with_a_command_that_exists(office: Office, kind: str) -> None:
    text = letters.incident_text(office.incidents.open(kind, "7", {"task": 7, "error": "x\ny"}))
    verbs = re.findall(r"^  feedengine (\w+)", text, re.MULTILINE)
    assert len(verbs) == 2 and set(verbs) <= set(VERBS) and "x y" in text


def test_a_failed_catalog_is_not_told_a_second_time_as_an_incident(office: Office) -> None:
    office.configure(mail())
    office.failed()
    tell_incidents(office.store, office.settings)
    assert len(office.waiting()) == 1


def test_webhooks_hear_every_event_of_their_catalogs(office: Office) -> None:
    office.configure(
        '[webhooks.all]\nurl = "https://a.example/"\nevents = ["success", "failure", "hold", "errors", "incident"]\n'
        '[webhooks.other]\nurl = "https://b.example/"\ncatalogs = ["k2/Products"]\n'
        '[webhooks.key]\nurl = "https://c.example/"\ncatalogs = ["key_7AeG/*"]\n'
    )
    office.failed()
    office.failed()
    office.done()
    office.failed("SAFEGUARD", "refused")
    assert office.waiting() == [
        ("failure", "all"), ("failure", "key"), ("failure", "all"), ("failure", "key"), ("success", "all"),
        ("hold", "all"), ("hold", "key"),
    ]  # fmt: skip
    document = office.messages.list()[0].body["document"]
    assert document["schema"] == "feedengine.event/1" and document["task"]["filename"] == NAME
    assert document["safeguard"]["items"]["decision"] == "blocked"


# Sending


@pytest.mark.feature("W14", "W37")
def test_what_waits_is_sent_with_its_attachment_and_never_again(office: Office) -> None:
    with Smtp().running() as smtp:
        office.configure(mail(port=smtp.port))
        task = office.failed()
        assert send_due(office.part) == 1 and send_due(office.part) == 0
    found = email.message_from_bytes(smtp.mails[0], policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert found["Subject"] == f"[feedengine] FAILED sync key_7AeG/Products task {task}"
    (attached,) = found.iter_attachments()
    rows = list(csv.DictReader(io.StringIO(attached.get_content())))
    assert len(rows) == 30 and rows[0]["line"] == "97929" and rows[0]["task_id"] == str(task)
    assert office.messages.counts()["mail", "sent"] == 1


def test_an_attachment_that_is_too_large_is_left_out_and_the_letter_says_where_it_is(office: Office) -> None:
    with Smtp().running() as smtp:
        office.configure(mail("attach_limit = 1000", port=smtp.port))
        office.failed()
        send_due(office.part)
    found = email.message_from_bytes(smtp.mails[0], policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert list(found.iter_attachments()) == [] and "attached" not in found.get_content()
    assert "The reports are in /reports/" in found.get_content()


def test_errors_csv_holds_no_formula(office: Office) -> None:
    task = office.landed()
    office.store.ledger.fail(task, "failed", problems=[{**BAD_NUMBER, "value": "=cmd|' /C calc'!A0", "key": "-1"}])
    (row,) = csv.DictReader(io.StringIO((errors_csv(office.store, task, 10**6) or b"").decode()))
    assert row["value"] == "'=cmd|' /C calc'!A0" and row["key"] == "'-1"


def test_a_webhook_arrives_signed_and_twice_the_same_after_a_failure(office: Office) -> None:
    (office.root / "secret").write_text("s3cret\n")
    (office.root / "secret").chmod(0o600)
    with servers.Receiver(answers=[(503, {})]).running() as hook:
        office.configure(f'[webhooks.erp]\nurl = "{hook.url}"\nsecret_file = "secret"\n')
        office.failed()
        assert send_due(office.part) == 0
        (message,) = office.messages.list()
        assert (message.status, message.attempts) == ("waiting", 1) and "503" in (message.error or "")
        office.messages.retry()
        assert send_due(office.part) == 1
    first, second = hook.requests
    at = float(second.headers[SIGNATURE][2:].partition(",")[0])
    assert verify("s3cret", second.headers[SIGNATURE], second.body, at)
    assert first.body == second.body and json.loads(second.body)["task"]["filename"] == NAME
    assert first.headers["X-Feedengine-Delivery"] == second.headers["X-Feedengine-Delivery"]


def test_after_its_last_attempt_a_message_is_dead_and_that_is_an_incident(office: Office) -> None:
    with servers.Receiver(answers=[(404, {}), (204, {})]).running() as hook:
        office.configure(f'[webhooks.erp]\nurl = "{hook.url}"\n')
        office.failed()
        send_due(office.part)
        assert office.messages.counts()["webhook", "dead"] == 1
        assert ("message_dead", "webhook erp") in [(each.kind, each.key) for each in office.incidents.list()]
        office.messages.retry()
        assert send_due(office.part) >= 1
    assert "message_dead" not in [each.kind for each in office.incidents.list()]


def test_attempts_are_bounded(office: Office) -> None:
    with servers.Receiver(answers=[(503, {})] * 9).running() as hook:
        office.configure(f'[mail]\nattempts = 2\n[webhooks.erp]\nurl = "{hook.url}"\nevents = ["failure"]\n')
        office.failed()
        send_due(office.part)
        with office.store.ledger.write() as con:
            con.execute("UPDATE messages SET not_before = made")
        send_due(office.part)
    assert office.messages.counts()["webhook", "dead"] == 1 and len(hook.requests) == 2


def test_a_destination_that_is_down_keeps_no_place_in_the_line(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed, Smtp().running() as smtp:
        port = closed.getsockname()[1]
        closed.close()
        office.configure(f'{mail(port=smtp.port)}[webhooks.erp]\nurl = "http://127.0.0.1:{port}/"\n')
        for number in range(120):
            office.messages.enqueue(
                "webhook", f"w{number}", {"event": "x", "delivery": "d", "document": {}}, place="erp"
            )
        office.failed()
        assert send_due(office.part) == 0 and send_due(office.part) == 1, "one attempt, then the mail has its turn"
    attempts = [each.attempts for each in office.messages.list(limit=200) if each.kind == "webhook"]
    assert sum(attempts) == 1 and len(attempts) == 121


def test_a_recipient_that_is_put_off_puts_off_no_other(office: Office) -> None:
    with Smtp(answers={"RCPT": "450 greylisted"}).running() as smtp:
        office.configure(mail(port=smtp.port))
        office.messages.enqueue("mail", "a", BODY | {"to": "a@shop.example"})
        office.messages.enqueue("mail", "b", BODY | {"to": "b@shop.example"})
        send_due(office.part)
        smtp.answers.clear()
        assert send_due(office.part) == 1
    assert smtp.envelopes[0][1] == "TO:<b@shop.example>"


def test_a_test_goes_to_everybody_and_says_what_became_of_it(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    with Smtp().running() as smtp, servers.Receiver(answers=[(404, {})]).running() as hook:
        office.configure(f'{mail(port=smtp.port)}[webhooks.erp]\nurl = "{hook.url}"\n')
        config = str(office.root / "feedengine.toml")
        assert dispatch(["--store", str(office.store.root), "--config", config, "incident", "test"]) == 7
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "mail to ops@shop.example: arrived" and said[1].startswith("webhook erp: 127.0.0.1:")
    assert b"Subject: [feedengine] TEST" in smtp.mails[0] and hook.requests[0].headers["X-Feedengine-Event"] == "test"


def test_waits_grow_and_respect_the_receiver() -> None:
    assert 24 <= wait(1) <= 36 and 48 <= wait(2) <= 72 and 2880 <= wait(30) <= 4320
    assert wait(1, 600) == 600 and wait(1, 10**9) == 3600


def test_a_destination_that_hangs_delays_no_other(office: Office) -> None:
    let_go, hung = threading.Event(), threading.Event()

    def hang(connection: Any) -> None:
        hung.set()
        let_go.wait(120)

    with servers.serving(hang) as port, Smtp().running() as smtp:
        office.configure(mail(port=smtp.port) + f'[webhooks.erp]\nurl = "http://127.0.0.1:{port}/"\n')
        office.failed()
        sender = threading.Thread(target=send_due, args=[office.part])
        sender.start()
        assert hung.wait(120)
        while not smtp.mails:
            assert sender.is_alive()
            time.sleep(0.01)
        let_go.set()
        sender.join()
    assert office.messages.counts()["mail", "sent"] == 1 and office.messages.counts()["webhook", "waiting"] == 1


def test_a_missing_secret_is_told_in_the_log_and_tried_again(office: Office) -> None:
    office.configure('[webhooks.erp]\nurl = "http://127.0.0.1:1/"\nsecret_env = "NO_SUCH_VARIABLE"\n')
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE"):
        receiver(office.settings, "erp", office.settings.named["webhooks"]["erp"])
    office.failed()
    send_due(office.part)
    assert office.lines[0]["event"] == "tell.failed" and office.messages.counts()["webhook", "waiting"] == 1


_SENDS = """
import sys
from pathlib import Path
from feedengine.service.part import Part
from feedengine.service.posting import send_due
from feedengine.settings import Settings
from feedengine.store import Store
root = Path(sys.argv[1])
settings = Settings.load(root / "feedengine.toml", env={})
send_due(Part("courier", Store.open(root / "store"), settings, lambda *a, **k: None))
"""


@pytest.mark.feature("W14")
def test_a_mail_sent_again_after_kill_9_can_be_recognised(office: Office) -> None:
    with Smtp().running() as smtp:
        office.configure(mail(port=smtp.port))
        office.failed()
        office.store.ledger.close()
        for fault in ("serve.message_sent", "no.such.point"):
            env = environment(FEEDENGINE_FAULT=fault)
            ended = subprocess.run([sys.executable, "-c", _SENDS, str(office.root)], env=env, check=False)
            assert ended.returncode == (-signal.SIGKILL if fault.startswith("serve") else os.EX_OK)
    first, second = (email.message_from_bytes(each) for each in smtp.mails)
    assert first["Message-ID"] == second["Message-ID"] and first["Date"] == second["Date"]
    assert office.messages.counts()["mail", "sent"] == 1
