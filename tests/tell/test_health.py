"""Health and metrics over HTTP: exact figures, the format kept, no secret, no flood of labels, floods survived."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.canned import GOOD
from feedengine.ledger import process
from feedengine.ledger.figures import BOUNDS, Figures
from feedengine.ledger.incidents import KINDS
from feedengine.service import alarms, health, state
from feedengine.service.health import Health
from feedengine.service.metrics import render
from feedengine.service.running import Running
from tell import exposition
from tell.office import Office
from tell.servers import certificate


@pytest.fixture
def office(tmp_path: Path):
    made = Office(tmp_path)
    yield made
    made.store.ledger.close()


def metrics(office: Office) -> dict[str, exposition.Family]:
    found = state.look(office.store, office.settings)
    return exposition.read(render(found, Figures(office.store.ledger).counters()))


def served(office: Office) -> Health:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    office.configure(f"[health]\nport = {port}\n")
    return health.started(office.part)


def get(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request(method, path)
    answer = client.getresponse()
    found = answer.status, answer.headers.get("Content-Type", ""), answer.read()
    client.close()
    return found


@pytest.mark.feature("L6")
def test_metrics_count_what_happened(office: Office) -> None:
    for _ in range(3):
        office.queued()
    office.done()
    office.done("ok_with_errors", protocol="sftp")
    office.failed()
    found = metrics(office)
    tasks = found["feedengine_tasks_total"]
    assert tasks.kind == "counter" and sum(tasks.samples.values()) == 3
    assert tasks.value(status="DONE", outcome="ok_with_errors", operation="sync") == 1
    assert found["feedengine_queue_tasks"].value(status="queued") == 3
    assert found["feedengine_received_files_total"].value(protocol="sftp") == 1
    assert found["feedengine_received_bytes_total"].value() == 3 * 402_118_200
    items, groups = GOOD["entities"]["items"], GOOD["entities"]["item_groups"]
    added = items["added"] + GOOD["entities"]["variations"]["added"] + groups["added"]
    rows = found["feedengine_rows_total"]
    assert rows.value(fate="added") == 2 * added, "a feed that failed added nothing"
    assert rows.value(fate="rejected") == 3 * items["rejected"]
    assert found["feedengine_task_done_seconds"].value("_count") == 3
    assert found["feedengine_incidents_open"].value(kind="task_failed") == 1
    assert found["feedengine_catalog_snapshot"].value(catalog="key_7AeG/Products") == 61
    age = time.time() - found["feedengine_catalog_last_success_timestamp_seconds"].value(catalog="key_7AeG/Products")
    assert 0 <= age < 300


def test_counters_outlive_the_tasks_they_count(office: Office) -> None:
    office.done()
    with office.store.ledger.write() as con:
        con.execute("DELETE FROM tasks")
    assert metrics(office)["feedengine_tasks_total"].value(status="DONE", outcome="ok", operation="sync") == 1


def test_durations_fall_into_their_classes(office: Office) -> None:
    figures = Figures(office.store.ledger)
    for seconds in (0, 1, 1.5, 7200, 7201):
        figures.observe("task_done_seconds", seconds)
    family = metrics(office)["feedengine_task_done_seconds"]
    assert [family.value("_bucket", le=str(bound)) for bound in BOUNDS] == [2, 3, 3, 3, 3, 3, 3, 3, 4]
    assert family.value("_bucket", le="+Inf") == 5 and family.value("_sum") == 14403.5


def test_names_of_catalogs_are_escaped_as_the_format_wants(office: Office) -> None:
    wild = 'a"b\\c\nd}é, x="1'
    office.done(section=wild)
    catalogs = metrics(office)["feedengine_catalog_snapshot"]
    assert catalogs.value(catalog=f"key_7AeG/{wild}") == 61


def test_labels_have_bounded_values(office: Office) -> None:
    for number in range(50):
        office.failed(filename=f"file{number}.csv", account=f"account{number}", peer=f"192.0.2.{number}")
        office.incidents.open("source_failing", f"source{number}", {})
    text = render(state.look(office.store, office.settings), Figures(office.store.ledger).counters())
    assert "file1" not in text and "account1" not in text and "192.0.2" not in text and "source1" not in text
    assert len(exposition.read(text)["feedengine_incidents_open"].samples) == len(KINDS)


def test_numbers_of_a_server_that_is_up_are_passed_on(office: Office) -> None:
    note = office.store.root / "run" / "ftps.json"
    with closing(Running(office.store)) as lock:
        lock.children({"ftps": process.myself()})
        note.write_text('{"sessions": 2, "passive_waited": 7, "passive_missing": [1, 2], "odd": "x", "more": {}}')
        numbers = metrics(office)["feedengine_server"]
        assert numbers.value(part="ftps", number="passive_waited") == 7
        assert numbers.value(part="ftps", number="passive_missing") == 2 and len(numbers.samples) == 3
        note.write_text("{half")
        assert "feedengine_server" not in metrics(office)
        lock.children({"ftps": ""})
        note.write_text('{"sessions": 2}')
        assert "feedengine_server" not in metrics(office), "what a server noted that is down says nothing"


def test_every_catalog_is_found_by_seeking(office: Office) -> None:
    for key in ("k2", "k1"):
        for section in ("P", "Q"):
            office.done(key=key, section=section, snapshot=1)
            office.done(key=key, section=section, snapshot=2)
    found = Figures(office.store.ledger).applied()
    assert [(each.key, each.section, each.snapshot) for each in found] == [
        ("k1", "P", 2), ("k1", "Q", 2), ("k2", "P", 2), ("k2", "Q", 2),
    ]  # fmt: skip
    assert len(Figures(office.store.ledger).applied(limit=3)) == 3


def test_a_look_costs_the_same_however_many_tasks_there_are(office: Office) -> None:
    def steps(tasks: range) -> int:
        counted = [0]

        def count() -> int:
            counted[0] += 1
            return 0

        rows = ((number, f"k{number % 3}") for number in tasks)
        with office.store.ledger.write() as con:
            con.executemany(
                "INSERT INTO tasks (id, key, section, type, status, outcome, operation, force, submission_time, "
                "queued) VALUES (?, ?, 'P', 'ingestion', 'DONE', 'ok', 'sync', 0, '2026-11-21T00:00:00Z', 1)",
                rows,
            )
        with office.store.ledger.read() as con:
            con.set_progress_handler(count, 10)
            state.look(office.store, office.settings)
            con.set_progress_handler(None, 10)
        return counted[0]

    few = steps(range(1, 100))
    assert steps(range(100, 20_000)) < few * 1.5


def test_health_says_503_and_why_while_nothing_serves(office: Office) -> None:
    running = served(office)
    try:
        status, kind, body = get(running.port, "/health")
    finally:
        running.close()
    assert (status, kind) == (503, "application/json")
    assert json.loads(body)["troubles"] == ["feedengine serve does not run"]


def test_health_is_well_with_all_parts_and_names_the_one_that_is_down(office: Office) -> None:
    office.failed()
    lock = Running(office.store)
    lock.children({"keeper": process.myself()})
    first = served(office)
    try:
        status, _, body = get(first.port, "/health?x=1")
        document = json.loads(body)
        assert status == 200 and document["ok"] and document["parts"] == {"keeper": True}
        assert document["pid"] == os.getpid() and document["incidents"][0]["kind"] == "task_failed"
        lock.children({"keeper": process.myself(), "worker.1": ""})
        assert first.answer("/health")[0] == 200, "looked up once a second at most"
    finally:
        first.close()
    second = served(office)
    try:
        status, _, body = get(second.port, "/health")
        assert status == 503 and json.loads(body)["troubles"] == ["worker.1 is down"]
    finally:
        second.close()
        lock.close()


def test_metrics_are_served_and_nothing_else_is(office: Office) -> None:
    running = served(office)
    try:
        status, kind, body = get(running.port, "/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert exposition.read(body.decode())["feedengine_serving"].value() == 0
        assert get(running.port, "/")[0] == 404 and get(running.port, "/../store/secret")[0] == 404
        assert get(running.port, "/metrics", "HEAD")[2] == b""
        assert get(running.port, "/metrics", "POST")[0] == 501
    finally:
        running.close()
    with pytest.raises(OSError):
        get(running.port, "/metrics")


def test_a_port_that_is_taken_stops_nothing(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        office.configure(f"[health]\nport = {taken.getsockname()[1]}\n")
        health.started(office.part).close()
    assert office.lines[0]["event"] == "health.failed"
    office.configure("[health]\nport = 0\n")
    health.started(office.part).close()
    assert len(office.lines) == 1


def test_clients_that_say_nothing_do_not_keep_others_out_for_ever(office: Office) -> None:
    running = served(office)
    silent = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(15)]
    try:
        assert get(running.port, "/metrics")[0] == 200
        silent += [socket.create_connection(("127.0.0.1", running.port)) for _ in range(30)]
        # Beyond the bound they are closed at once.
        assert silent[-1].recv(1) == b""
        for each in silent:
            each.close()
    finally:
        running.close()


def test_no_secret_is_in_health_or_metrics(office: Office) -> None:
    os.environ["FEEDENGINE_TEST_SECRET"] = "hunter2"
    try:
        office.configure(
            '[mail]\nhost = "mail.example"\npassword_env = "FEEDENGINE_TEST_SECRET"\n'
            '[webhooks.x]\nurl = "https://h.example/hunter2"\n'
        )
        office.failed()
        found = state.look(office.store, office.settings)
        told = json.dumps(state.document(found, 0)) + render(found, Figures(office.store.ledger).counters())
    finally:
        del os.environ["FEEDENGINE_TEST_SECRET"]
    assert "hunter2" not in told and "h.example" not in told


# What the keeper looks at


def kinds(office: Office) -> list[str]:
    return sorted(each.kind for each in office.incidents.list())


def test_a_full_disk_is_an_incident_until_there_is_room(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    free: dict[str, Any] = {"bytes": 10}
    monkeypatch.setattr(state, "free", lambda path: free["bytes"])
    office.configure('[alarms]\ndisk_free = "1MiB"\n')
    alarms.look(office.store, office.settings)
    assert kinds(office) == ["disk_low"]
    free["bytes"] = 2**20 + 1
    alarms.look(office.store, office.settings)
    assert kinds(office) == ["disk_low"], "a little more is not enough"
    free["bytes"] = 2**21
    alarms.look(office.store, office.settings)
    assert kinds(office) == []


def test_a_certificate_that_ends_soon_is_an_incident(office: Office, tmp_path: Path) -> None:
    (office.store.root / "tls").mkdir()
    its = certificate(tmp_path, days=30)
    (office.store.root / "tls" / "server.crt").write_bytes(its.file.read_bytes())
    now = datetime.now(UTC)
    alarms.look(office.store, office.settings, now)
    assert kinds(office) == []
    alarms.look(office.store, office.settings, now + timedelta(days=10))
    assert kinds(office) == ["certificate_expiring"] and office.incidents.list()[0].about["days"] == 19
    found = state.look(office.store, office.settings)
    assert state.days_left(found) == 29
    certificate_metric = metrics(office)["feedengine_certificate_end_timestamp_seconds"].value()
    assert abs(certificate_metric - (now + timedelta(days=30)).timestamp()) < 60
    alarms.look(office.store, office.settings, now)
    assert kinds(office) == []


def test_what_was_told_long_ago_is_forgotten(office: Office) -> None:
    office.failed()
    office.done()
    assert alarms.forget(office.store, office.settings, datetime.now(UTC) + timedelta(days=80)) == 0
    assert alarms.forget(office.store, office.settings, datetime.now(UTC) + timedelta(days=100)) == 1
