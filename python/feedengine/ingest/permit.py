"""Whether a plan may be carried out: its file, the safeguard, and who may skip that by force, and when."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from feedengine.accounts import Accounts
from feedengine.errors import FeedRejected, SafeguardRefused, UsageError
from feedengine.ingest.approval import removals

if TYPE_CHECKING:
    from feedengine.ingest.model import Plan
    from feedengine.ledger import Task
    from feedengine.settings import Settings
    from feedengine.store import Store
    from feedengine.target import FeedRequest

#: The word of `safeguard.force_from` for every account that is no role account, and for who types a command.
PERSONS = "persons"
#: Codes of plans whose force is not allowed: its sender may not use it, or nobody saw the plan stopped before.
NOT_FROM = "FORCE_NOT_ALLOWED"
NOT_HELD = "FORCE_NOT_HELD"


def judge_force(store: Store, settings: Settings, made: Plan) -> None:
    """Refuse a plan with force (verdict refused, `force_refused` says why) where the settings do not allow that.

    An approval names the plan and its exact count already, so it may always. Raises what reading the accounts raises.
    """
    report, catalog = made.report, made.target.catalog
    allowed = settings.get("safeguard.force_from", catalog)
    held = settings.get("safeguard.force_held", catalog)
    if allowed or held:
        report["safeguard"]["force"] = {"from": allowed, "held": held}
    if not made.target.force or made.request.approves is not None or report["verdict"] != "apply":
        return
    if allowed and not _may(store, made.request, allowed):
        who = made.request.actor or "this sender"
        message = f"{who} may not use force for {catalog}: it is for persons to use by hand. Send the feed without it"
        _refuse(report, NOT_FROM, message)
    elif held and report["safeguard"]["decision"] == "forced":
        seen = _seen(store, made)
        if seen is None:
            message = "force is taken for a feed that was stopped before, and is the same. Send it without force first"
            _refuse(report, NOT_HELD, message)
        else:
            report["force_of"] = seen.id


def _refuse(report: dict[str, Any], code: str, message: str) -> None:
    report["verdict"] = "refused"
    report["force_refused"] = {"code": code, "message": message}
    if report["safeguard"]["decision"] == "forced":
        report["safeguard"]["decision"] = "blocked"


def _may(store: Store, request: FeedRequest, allowed: list[str]) -> bool:
    actor = request.actor or ""
    if actor in allowed:
        return True
    if PERSONS not in allowed:
        return False
    account = Accounts(store.root).find(actor) if actor else None
    if account is not None:
        return not account.role
    # Without an account somebody typed a command; what came over a network was fetched, or its account is gone.
    return request.protocol is None


def _seen(store: Store, made: Plan) -> Task | None:
    """The task that waits for a person with this very plan."""
    key, _, section = made.target.catalog.partition("/")
    page = store.ledger.list(
        waiting=True, key=key, section=section, fingerprint=made.report["file"]["fingerprint"], limit=1000
    )
    for task in page.tasks:
        same = task.operation == made.target.operation and (task.entity or made.target.entity) == made.target.entity
        based = (task.new_snapshot or task.base_snapshot or 0) == made.base.snapshot
        if same and based and task.report and removals(task.report) == removals(made.report):
            return task
    return None


def close_seen(store: Store, report: Mapping[str, Any], actor: str | None, reason: str | None) -> None:
    """Note that the task which was stopped with the same plan is approved: by force, which has been carried out."""
    if report.get("force_of"):
        # Somebody else may have decided meanwhile.
        with suppress(UsageError):
            store.ledger.approve(int(report["force_of"]), actor=actor or "", reason=reason or "sent again with force")


def check(made: Plan) -> None:
    """Raise what stops a plan: FeedRejected (verdict invalid), SafeguardRefused (verdict refused)."""
    report = made.report
    state = (
        f"Nothing was changed. Snapshot {made.base.snapshot} is still current."
        if made.base.snapshot
        else ("Nothing was changed. The catalog is still empty.")
    )
    if made.verdict == "invalid":
        worst = next((entry for entry in report["problems"]["by_code"] if entry["fails_file"]), None)
        first = (worst or {}).get("first") or {}
        message = first.get("message") or (worst or {}).get("code") or "the feed cannot be applied"
        code = worst["code"] if worst else "FEED_REJECTED"
        raise FeedRejected(message, code=code, state=state, hints=[first["hint"]] if first else [], report=report)
    if made.verdict == "refused":
        forbidden = report.get("force_refused") or {"message": _refusal(report), "code": SafeguardRefused.code}
        raise SafeguardRefused(forbidden["message"], code=forbidden["code"], state=state, report=report)


def _refusal(report: Mapping[str, Any]) -> str:
    guard = report["safeguard"]
    for entity, verdict in guard["entities"].items():
        if verdict["decision"] == "blocked":
            return (
                f"this feed would remove {verdict['lost']:,} of {verdict['base']:,} {entity} "
                f"({verdict['share'] * 100:.1f} %); limit {verdict['limit']}"
            )
    for entry in guard["segments"]:
        return (
            f"this feed would remove {entry['lost']:,} of {entry['base']:,} {entry['entity']} whose {entry['column']} "
            f"is {entry['value']}; limit {entry['limit']}"
        )
    for entry in guard.get("must_exist") or ():
        if entry["decision"] == "blocked":
            first = f"; the first are {', '.join(entry['first'])}" if entry["first"] else ""
            return f"this feed would {_lost_of_list(entry)}; limit {entry['limit']}{first}"
    entry = guard["values"][0]
    return f"{entry['guard'].replace('_', ' ')} in {entry['column']}: {entry['count']:,} of {entry['base']:,} records"


def _lost_of_list(entry: Mapping[str, Any]) -> str:
    """`remove or deactivate 9 of 300 items that sellers.csv names (3.0 %)`, of an entry of `must_exist`."""
    lost, share = f"{entry['lost']:,} of {entry['base']:,}", f"({entry['share'] * 100:.1f} %)"
    if entry["counts_missing"]:
        return f"leave {lost} {entry['entity']} that {entry['file']} names missing or inactive {share}"
    return f"remove or deactivate {lost} {entry['entity']} that {entry['file']} names {share}"
