"""Settings of the queue: workers, limits, retries, retention."""

from __future__ import annotations

from feedengine.settings import kinds
from feedengine.settings.kinds import Kind
from feedengine.settings.setting import Setting


def _queue(name: str, kind: Kind, default: object, about: str) -> Setting:
    return Setting("queue", name, kind, default, about)


ROWS: tuple[Setting, ...] = (
    _queue("workers", kinds.whole(1, 64), 2, "feeds worked on at a time, each by a process; one per key at most"),
    _queue("limit", kinds.whole(1, 1_000_000), 1000, "tasks that may wait per key; more files are refused for later"),
    _queue("min_free", kinds.size(), 256 * 2**20, "free disk space below which no file is taken"),
    _queue(
        "name_check",
        kinds.choice("report", "reply"),
        "report",
        "a wrong file name: take it and report into failed/, or refuse the upload",
    ),
    _queue(
        "reorder_window",
        kinds.whole(0, 86400),
        0,
        "seconds that files wait, then to be taken in order of the times in their names; 0 = by arrival",
    ),
    _queue("lease", kinds.whole(2, 3600), 30, "seconds after which a worker that went silent loses its task"),
    _queue("retries", kinds.whole(0, 100), 5, "attempts after a passing fault (disk full, locked, busy)"),
    _queue("visible_min", kinds.whole(0, 86400), 60, "seconds that a file stays where it was put, at least"),
    _queue("keep_processed_days", kinds.whole(0, 36500), 30, "days that files stay in processed/; 0 = for ever"),
    _queue("keep_failed_days", kinds.whole(0, 36500), 90, "days that files stay in failed/; 0 = for ever"),
    _queue("keep_reports_days", kinds.whole(0, 36500), 365, "days that reports stay in reports/; 0 = for ever"),
    _queue("keep_spool_days", kinds.whole(0, 36500), 7, "days that our copy is kept for a retry; 0 = for ever"),
    _queue("keep_tasks_days", kinds.whole(0, 36500), 365, "days that tasks stay in the ledger; 0 = for ever"),
    Setting("serve", "drain", kinds.whole(0, 86400), 60, "seconds that running work has to end in when stopping"),
    Setting(
        "serve",
        "silence",
        kinds.whole(0, 86400),
        120,
        "seconds without a sign of life after which a worker is replaced; 0 = never",
    ),
)
