"""The day's account: every file in the ledger as often as it was taken, and catalogs as a run in order makes them."""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedengine import ingest
from feedengine.errors import FeedEngineError
from feedengine.ledger import Task
from feedengine.service.reception import Desk
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.landing import Landing, Rules, names
from soak.feeds import Sent
from soak.journal import Attempt, Journal
from soak.world import Partner

FINAL = ("DONE", "FAILED", "CANCELED")


@dataclass
class Account:
    """What was found. `differences` are sentences; none means that all is as it should be."""

    differences: list[str] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    tasks: int = 0
    compared: int = 0
    parts_kept: int = 0


def all_tasks(store: Store) -> list[Task]:
    """Every task of the ledger, oldest first."""
    found: list[Task] = []
    while True:
        page = store.ledger.list(limit=100, offset=len(found))
        found += page.tasks
        if not page.tasks:
            return sorted(found, key=lambda task: task.id)


def check_ledger(account: Account, journal: Journal, tasks: list[Task]) -> None:
    """Every file that was acknowledged has one task for each acknowledgement; nothing else has any."""
    by_name: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        by_name[str(task.filename)].append(task)
        label = f"{task.status} {task.outcome}"
        account.outcomes[label] = account.outcomes.get(label, 0) + 1
        if task.status not in FINAL:
            account.differences.append(f"task {task.id} ({task.filename}) is still {task.status}")
    account.tasks = len(tasks)
    known = set()
    for (login, name), attempts in journal.files().items():
        known.add(name)
        account.differences += _file(login, name, attempts, by_name.get(name, []))
        whole = hashlib.sha256(journal.sent[login, name].content).hexdigest()
        for task in by_name.get(name, []):
            if (task.account, task.sha256) != (login, whole):
                account.differences.append(
                    f"task {task.id} ({name}) is of {task.account}, hash {task.sha256}, not {whole}"
                )
    for name in sorted(set(by_name) - known):
        account.differences.append(f"{name} has tasks {[task.id for task in by_name[name]]} but nobody sent it")


def _file(login: str, name: str, attempts: list[Attempt], tasks: list[Task]) -> list[str]:
    results = [attempt.result for attempt in attempts]
    least = results.count("stored")
    most = least + results.count("unknown")
    if "unknown" in results and results[-1] == "refused" and "exists" in attempts[-1].said:
        # "That name exists" is an acknowledgement, too.
        least = max(least, 1)
    if least <= len(tasks) <= most:
        return []
    story = ", ".join(f"{attempt.at:.1f} s {attempt.result} ({attempt.said})" for attempt in attempts)
    return [
        f"{name} of {login} was acknowledged {least} times (at most {most}) but has {len(tasks)} tasks "
        f"{[task.id for task in tasks]}: {story}"
    ]


def check_folders(account: Account, homes: Path, partners: list[Partner], tasks: list[Task]) -> None:
    """Every file that was taken is where its outcome says, with its report; nothing else lies about."""
    of_login: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        of_login[str(task.account)].append(task)
    for partner in partners:
        home = homes / partner.home
        mine = of_login[partner.login]
        for task in mine:
            account.differences += _placed(home, task)
        placed = {task.visible for task in mine}
        lying = [path for folder in (home, home / "in") for path in folder.iterdir() if path.is_file()]
        for path in lying:
            # Parts of attempts that were cut are kept for a while: see `check_parts`.
            if not path.name.startswith(".") and str(path) not in placed:
                account.differences.append(f"{path} lies there, and no task knows it")


def check_parts(account: Account, store: Store) -> int:
    """Parts are kept to be continued, and go when their time is over; gives how many were kept."""
    kept = sum(names.is_part(path.name) for path in (store.root / "homes").rglob(".*"))
    Landing(Desk(store, Settings.load(None, env={})), store.root, Rules(part_hours=0)).clear()
    left = [str(path) for path in (store.root / "homes").rglob(".*") if names.is_part(path.name)]
    account.differences += [f"{path} is left though its time is over" for path in left]
    return kept


def _placed(home: Path, task: Task) -> list[str]:
    if task.visible is None:
        return [f"the file of task {task.id} ({task.filename}) is gone"]
    folders = {"DONE": "processed", "FAILED": "failed"}
    wanted = "" if task.waiting else folders.get(task.status, "?")
    path = Path(task.visible)
    if task.outcome == "ok_with_errors":
        wanted = "processed_with_errors"
    found = [] if path.is_file() else [f"{path} of task {task.id} is not there"]
    inside = path.relative_to(home).parts
    if (inside[0] if len(inside) > 1 else "") != wanted:
        found.append(f"{path} of task {task.id} ({task.status}, {task.outcome}) should be in /{wanted}")
    if not list((home / "reports").glob(f"*/{task.id}/*")):
        found.append(f"task {task.id} ({task.outcome}) of {task.account} has no report")
    return found


def check_catalogs(
    account: Account, journal: Journal, tasks: list[Task], store: Store, settings: Settings, folder: Path
) -> None:
    """Do everything again, one after another on a fresh store, in the order of the tasks; compare task by task."""
    fresh = Store.create(folder / "reference")
    # Digests are keyed: with the same key equal content has equal digests.
    shutil.copyfile(store.root / "secret", fresh.root / "secret")
    fresh = Store.open(fresh.root)
    contents = {name: sent for (_, name), sent in journal.sent.items()}
    for task in tasks:
        sent = contents.get(str(task.filename))
        if sent is None:
            continue
        if sent.nameless:
            if task.status != "FAILED" or task.new_snapshot is not None:
                account.differences.append(f"task {task.id} ({task.filename}) should have failed: {task.outcome}")
            continue
        account.differences += _same(task, _again(fresh, settings, sent, folder))
        account.compared += 1
    account.differences += compare(store, fresh)
    fresh.ledger.close()


def _again(store: Store, settings: Settings, sent: Sent, folder: Path) -> tuple[str | None, int | None]:
    path = folder / sent.name
    path.write_bytes(sent.content)
    try:
        ingest.run(store, settings, ingest.FeedRequest(path=path, actor=sent.partner.login, create=True))
    except FeedEngineError:
        pass
    finally:
        path.unlink()
    newest = store.ledger.list(limit=1).tasks[0]
    return newest.outcome, newest.new_snapshot


def _same(task: Task, reference: tuple[str | None, int | None]) -> list[str]:
    if (task.outcome, task.new_snapshot) == reference:
        return []
    return [
        f"task {task.id} ({task.filename}) came to {task.outcome}, snapshot {task.new_snapshot}; "
        f"in order it is {reference[0]}, snapshot {reference[1]}"
    ]


def compare(store: Store, fresh: Store) -> list[str]:
    """What differs between the current snapshots of two stores."""
    found: list[str] = []
    keys = {key: state(store, key) for key in store.keys()}  # noqa: SIM118 - not a dict
    reference = {key: state(fresh, key) for key in fresh.keys()}  # noqa: SIM118
    for key in sorted({*keys, *reference}):
        ours, theirs = keys.get(key, {}), reference.get(key, {})
        for section in sorted({*ours, *theirs}):
            if ours.get(section) != theirs.get(section):
                found.append(f"{key}/{section} is {ours.get(section)}; in order it is {theirs.get(section)}")
    return found


def state(store: Store, key: str) -> dict[str, Any]:
    """The current snapshot of each section: its number, and records and digest by entity."""
    found: dict[str, Any] = {}
    with store.catalog(key) as catalog:
        for section in catalog.sections():
            base = catalog.base(section)
            found[section] = (
                base.snapshot,
                {name: (entity.records, entity.digest) for name, entity in base.entities.items()},
            )
    return found
