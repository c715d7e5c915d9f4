"""Finishes a plan's report with what the engine cannot know: names, the base, oddities of the name, what would go."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.names import FeedName
from feedengine.profile import DEFAULT, parse_name
from feedengine.settings import Settings

if TYPE_CHECKING:
    from feedengine.ingest.model import Plan
    from feedengine.store.catalog import Catalog

#: Rows asked about when a refusal is explained.
_EXPLAINED = 2_000_000


def complete(made: Plan, settings: Settings, catalog: Catalog | None) -> None:
    """Add what the engine cannot know: names, the base, warnings of the file name, why so much would go."""
    report, target = made.report, made.target
    report["catalog"] = target.catalog
    report["file"]["name"] = made.request.path.name
    report["base_snapshot"] = made.base.snapshot
    report["id"] = plan_id(report)
    if target.profile.name != DEFAULT:
        report["profile"] = {name: getattr(target.profile, name) for name in ("name", "version", "digest", "source")}
    problems = report["problems"]
    for entry in (*problems["list"], *problems["by_code"]):
        (entry.get("first") or entry)["file"] = made.request.path.name
    for warning in target.warnings:
        add_problem(report, warning.code, "warning", warning.message)
    if catalog is None or report["verdict"] == "invalid":
        return
    _stale(made, settings, catalog)
    _dangling(made, catalog)
    if report["verdict"] in ("refused", "held") and made.planner:
        report["safeguard"]["gone_first"] = _gone_first(made, catalog)


def _dangling(made: Plan, catalog: Catalog) -> None:
    """Warn of records that stay as they are and name a group that goes; all sections of a key share its groups."""
    specs = made.target.profile.engine_entities()
    lost = {name: counts["removed"] for name, counts in made.report["entities"].items() if counts.get("removed")}
    refers = [(str(spec["name"]), *spec["refers"]) for spec in specs if spec.get("refers")]
    refers = [each for each in refers if each[2] in lost]
    # A patch takes nothing away: the file, which was let go for comparing, need not be opened once more.
    if made.planner is None or not refers:
        return
    shared = {spec["name"] for spec in specs if spec["shared"]}
    for section in catalog.sections():
        here = section == made.target.section
        for entity, field, target in refers:
            removed = lost[target]
            if not (here or target in shared):
                continue
            groups = made.planner.removed_rows(target, removed)
            # Records that the feed changes have their own warning, UNKNOWN_GROUP.
            count = catalog.dangling_groups(section, entity, groups, made.planner.closed(entity) if here else None)
            if count:
                message = f"{count} {entity}{'' if here else f' of {section}'} name a group that this upload removes"
                add_problem(made.report, "DANGLING_GROUP", "warning", message, entity=entity, column=field, count=count)


def _gone_first(made: Plan, catalog: Catalog) -> list[dict[str, Any]]:
    """Which groups and brands lose most, so that a person sees at once what kind of products would go."""
    found: list[dict[str, Any]] = []
    first = made.target.profile.entities[0]
    entity = first.name
    columns = {column.name for column in made.base.entities[entity].columns}
    mentioned = first.spec["refers"] or [""]
    for column in (mentioned[0], *first.explained_by):
        if column in columns and made.planner:
            rows = made.planner.removed_rows(entity, _EXPLAINED)
            found += catalog.breakdown(made.target.section, entity, column, rows, 20)
    return found


def _stale(made: Plan, settings: Settings, catalog: Catalog) -> None:
    """Refuse a feed whose name is older than the last sync's, where the settings say so."""
    target = made.target
    if target.sent is None or not settings.get("rules.reject_stale", target.catalog):
        return
    for snapshot in reversed(catalog.snapshots(target.section)):
        name = parse_name(target.profile, snapshot.file) if snapshot.file and snapshot.operation == "sync" else None
        if isinstance(name, FeedName) and name.parsed_time and name.entity == target.entity:
            if target.sent < name.parsed_time:
                message = f"the file name is older than {snapshot.file}, which made snapshot {snapshot.number}"
                add_problem(made.report, "STALE_FEED", "file", message)
                made.report["verdict"] = "invalid"
            return


def add_problem(
    report: dict[str, Any],
    code: str,
    severity: str,
    message: str,
    *,
    entity: str | None = None,
    column: str | None = None,
    count: int = 1,
    hint: str = "",
) -> None:
    """Add a problem of the whole file to a report. `hint` is for codes that the engine does not know."""
    known = next((entry for entry in engine.codes() if entry["code"] == code), {"hint": hint, "family": "format"})
    fault = {
        "code": code, "severity": severity, "file": report["file"]["name"], "member": "", "record": 0, "line": 0,
        "byte": 0, "entity": entity, "key": None, "column": column, "value": None, "message": message,
        "hint": known["hint"], "family": known["family"], "related": [],
    }  # fmt: skip
    problems = report["problems"]
    problems["warnings" if severity == "warning" else "errors"] += count
    problems["listed"] += 1
    problems["list"].append(fault)
    entry = {"code": code, "entity": entity, "severity": severity, "count": count, "hint": fault["hint"]}
    problems["by_code"].append({**entry, "fails_file": severity == "file", "first": fault})


def plan_id(report: Mapping[str, Any]) -> str:
    """Binds file content, operation and base snapshot: the same plan has the same id, 16 hexadecimal digits."""
    import hashlib

    bound = (report["file"]["fingerprint"], report["operation"], report["catalog"], report["base_snapshot"])
    return hashlib.blake2b(repr(bound).encode(), digest_size=8).hexdigest()


def peak_rss() -> int:
    """The process's largest resident size so far, in bytes."""
    try:
        # Linux keeps in `ru_maxrss` what the parent had when it started us; VmHWM is ours alone.
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
