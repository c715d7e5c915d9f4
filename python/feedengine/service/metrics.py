"""Metrics in Prometheus' text format: what is now from the state, what was from the ledger's counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from feedengine.ledger.figures import BOUNDS
from feedengine.ledger.incidents import KINDS
from feedengine.service.state import State, age

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
Counters = Iterable[tuple[str, Labels, float]]

_COUNTERS = {
    "tasks": "Tasks of the queue that ended, by status, outcome and operation.",
    "received_files": "Files whose tasks ended, by the protocol they came over.",
    "received_bytes": "Bytes of these files.",
    "rows": "Records by what became of them.",
    "messages": "Attempts to send mails and webhooks, by result.",
}
_DURATIONS = {
    "task_start_seconds": "Seconds from a file's arrival to the start of its task.",
    "task_done_seconds": "Seconds from a file's arrival to the end of its task.",
}


def render(state: State, counters: Counters) -> str:
    """All metrics as text."""
    lines: list[str] = []
    for name, kind, about, samples in _now(state):
        lines += _family(name, kind, about, samples)
    found = list(counters)
    for name, about in _COUNTERS.items():
        samples = [(labels, value) for each, labels, value in found if each == name]
        lines += _family(f"feedengine_{name}_total", "counter", about, samples)
    for name, about in _DURATIONS.items():
        lines += _histogram(name, about, found)
    return "\n".join(lines) + "\n"


def _now(state: State) -> Iterable[tuple[str, str, str, list[Sample]]]:
    def gauge(name: str, about: str, samples: Iterable[Sample]) -> tuple[str, str, str, list[Sample]]:
        return f"feedengine_{name}", "gauge", about, list(samples)

    yield gauge("serving", "Whether feedengine serve runs.", [({}, float(state.pid is not None))])
    yield gauge(
        "part_up", "Whether a part of the service runs.", [({"part": name}, up) for name, up in state.parts.items()]
    )
    yield gauge(
        "queue_tasks",
        "Tasks that wait or are worked on.",
        [({"status": status.lower()}, count) for status, (count, _) in state.queue.items()],
    )
    yield gauge("queue_oldest_seconds", "Age of the task that waits longest.", [({}, state.oldest_seconds)])
    kinds = Counter(each.kind for each in state.incidents)
    yield gauge("incidents_open", "Open incidents by kind.", [({"kind": kind}, kinds[kind]) for kind in KINDS])
    yield gauge(
        "messages",
        "Mails and webhooks in the outbox by status.",
        [({"kind": kind, "status": status}, count) for (kind, status), count in state.messages.items()],
    )
    yield gauge(
        "deliveries",
        "Files in the outbox by status.",
        [({"status": status.lower()}, count) for status, count in state.deliveries.items()],
    )
    exports = state.exports.items()
    yield gauge(
        "export_lag_seconds",
        "How long the longest waiting record of an export has waited.",
        [({"export": name}, age(each.oldest, state.at) if each.oldest else 0.0) for name, each in exports],
    )
    yield gauge(
        "export_records",
        "Records of an export: sent or on their way, waiting, incomplete, given up.",
        [
            ({"export": name, "state": word}, number)
            for name, each in exports
            for word, number in (
                ("all", each.records), ("waiting", each.waiting), ("incomplete", each.awaited), ("dead", each.dead)
            )
        ],
    )  # fmt: skip
    catalogs = [({"catalog": f"{each.key}/{each.section}"}, each) for each in state.applied]
    yield gauge(
        "catalog_last_success_timestamp_seconds",
        "When the last task of a catalog was done.",
        [(labels, _seconds(each.ended)) for labels, each in catalogs],
    )
    yield gauge(
        "catalog_snapshot",
        "The number of a catalog's snapshot after its last task.",
        [(labels, each.snapshot or 0) for labels, each in catalogs],
    )
    sources = state.sources.items()
    yield gauge(
        "source_last_success_timestamp_seconds",
        "When a source was last looked at without failure.",
        [({"source": name}, _seconds(each.good)) for name, each in sources if each.good],
    )
    yield gauge(
        "source_last_file_timestamp_seconds",
        "When a source last had a new file.",
        [({"source": name}, _seconds(each.file)) for name, each in sources if each.file],
    )
    yield gauge(
        "source_failures",
        "A source's failures in a row.",
        [({"source": name}, each.failures) for name, each in sources],
    )
    yield gauge(
        "source_paused",
        "Whether a source is paused.",
        [({"source": name}, each.paused is not None) for name, each in sources],
    )
    yield gauge(
        "server",
        "Numbers that a server noted last: sessions, transfers, waits for passive ports and more.",
        [
            ({"part": part, "number": name}, value)
            for part, numbers in state.servers.items()
            for name, value in numbers.items()
        ],
    )
    yield gauge("disk_free_bytes", "Free space on the store's disk.", [({}, state.disk_free)])
    if state.certificate is not None:
        yield gauge(
            "certificate_end_timestamp_seconds",
            "When the server's certificate ends.",
            [({}, state.certificate.timestamp())],
        )


def _histogram(name: str, about: str, counters: Counters) -> list[str]:
    classes = {labels["le"]: value for each, labels, value in counters if each == name}
    total = sum(value for each, _, value in counters if each == f"{name}_sum")
    full = f"feedengine_{name}"
    lines = [f"# HELP {full} {about}", f"# TYPE {full} histogram"]
    seen = 0.0
    for bound in [*map(str, BOUNDS), "+Inf"]:
        seen += classes.get(bound, 0.0)
        lines.append(_sample(f"{full}_bucket", {"le": bound}, seen))
    return [*lines, _sample(f"{full}_sum", {}, total), _sample(f"{full}_count", {}, seen)]


def _family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> list[str]:
    rows = [_sample(name, labels, value) for labels, value in samples]
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *rows] if rows else []


def _sample(name: str, labels: Labels, value: float) -> str:
    inner = ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items())
    shown = str(int(value)) if value == int(value) else repr(float(value))
    return f"{name}{{{inner}}} {shown}" if inner else f"{name} {shown}"


def escaped(text: str) -> str:
    """A label's value: backslash, quote and line feed as the format writes them; no lone surrogates."""
    plain = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(time: str | None) -> float:
    return datetime.fromisoformat(time).timestamp() if time else 0.0
