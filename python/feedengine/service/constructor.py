"""A task in the shape of Constructor's tasks API: what their clients read, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedengine.ledger import Task

_FTP = ("ftp", "ftps", "sftp", "found")
_SECTION_ENTITIES = ("items", "variations")


def constructor_json(task: Task) -> dict[str, Any]:
    """The object of `GET /v1/tasks/{id}`. DONE tasks have `result`, FAILED ones `error`; times are None before the run.

    A held or refused task is what it is to their clients: DONE without its removals, or FAILED. `items_updated` counts
    rows that were taken, those that changed nothing included, as theirs does.
    """
    running = task.status != "QUEUED"
    document: dict[str, Any] = {
        "id": task.id,
        "type": task.type,
        "status": task.status,
        "submission_time": task.submission_time,
        "start_time": task.start_time if running else None,
        "last_update": task.last_update if running else None,
        "filename": task.filename,
        "protocol": _protocol(task.protocol),
    }
    if task.operation is not None:
        document["ingestion_type"] = task.operation
    if task.status == "DONE":
        document["result"] = _result(task)
    elif task.status == "FAILED":
        document["error"] = {"message": f"IngestionError: {(task.error or {}).get('message') or task.outcome}"}
    return document


def task_list(tasks: list[Task], total: int, counts: Mapping[str, int]) -> dict[str, Any]:
    """The object of `GET /v1/tasks`."""
    return {
        "tasks": [constructor_json(task) for task in tasks],
        "total_count": total,
        "status_counts": {status: counts.get(status, 0) for status in ("QUEUED", "IN_PROGRESS", "DONE", "FAILED")}
        | ({"CANCELED": counts["CANCELED"]} if counts.get("CANCELED") else {}),
    }


def _protocol(protocol: str | None) -> str | None:
    if protocol in _FTP:
        return "ftp"
    return "http" if protocol == "http" else None


def _result(task: Task) -> dict[str, Any]:
    report = task.report or {}
    entities = report.get("entities") or {}
    groups = _counts(entities.get("item_groups"))
    section: dict[str, int] = {}
    # What another profile's file held stands beside them; their clients leave out what they don't know.
    others = [name for name, entry in entities.items() if entry.get("rows") and name != "item_groups"]
    for entity in dict.fromkeys([*_SECTION_ENTITIES, *others]):
        entry = entities.get(entity)
        counts = _counts(entry)
        section[f"{entity}_updated"] = counts["updated"]
        section[f"{entity}_deleted"] = counts["deleted"]
        for name, field in _MORE.items():
            if entry and entry.get(field):
                section[f"{entity}_{name}"] = int(entry[field])
    return {
        "changelog": {
            "item_groups_updated": groups["updated"],
            "item_groups_deleted": groups["deleted"],
            "total_item_groups_changed": groups["updated"] + groups["deleted"],
            "sections": {str(task.section): section},
        },
        "index_built": True,
        "ingestion_warnings": [_warning(fault) for fault in (report.get("problems") or {}).get("by_code") or ()],
    }


#: Integers that their map of a section leaves room for.
_MORE = {
    "created": "added",
    "changed": "changed",
    "unchanged": "unchanged",
    "ignored": "ignored",
    "cascaded": "cascaded",
}


def _counts(entry: Mapping[str, Any] | None) -> dict[str, int]:
    if not entry:
        return {"updated": 0, "deleted": 0}
    updated = sum(int(entry.get(name) or 0) for name in ("added", "changed", "unchanged"))
    return {"updated": updated, "deleted": int(entry.get("removed") or 0)}


def _warning(kind: Mapping[str, Any]) -> dict[str, Any]:
    first = kind.get("first") or {}
    data = {"count": kind.get("count")}
    if first.get("key") is not None:
        data["item_id"] = first["key"]
    return {"code": kind.get("code"), "message": first.get("message") or kind.get("hint"), "data": data}
