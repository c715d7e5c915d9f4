"""What sync, apply and plan share: from options and a file name to a request, from a report to an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli.given import check_feed
from feedengine.errors import ExitCode, FeedRejected, Hint, UsageError
from feedengine.names import OPERATIONS, BadName, FeedName

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.target import FeedRequest


@dataclass(frozen=True)
class FeedOptions:
    """The options of a command that takes a feed, as typed."""

    catalog: str | None = None
    operation: str | None = None
    force: bool = False
    reason: str | None = None
    removal_limit: str | None = None
    hold_removals: bool = False
    strict: bool = False
    memory_limit: str | None = None
    threads: int | None = None
    create: bool = False
    profile: str | None = None
    entity: str | None = None


def configure(session: Session, options: FeedOptions) -> None:
    """Let the options that are settings override them."""
    session.flag("safeguard.limit", "--removal-limit", options.removal_limit)
    session.flag("rules.rows", "--strict", "fail" if options.strict else None)
    session.flag("engine.memory_limit", "--memory-limit", options.memory_limit)
    session.flag("engine.threads", "--threads", options.threads)
    session.flag("rules.unknown_section", "--create", "create" if options.create else None)


def request(session: Session, file: Path, options: FeedOptions, *, verb: str) -> FeedRequest:
    """The request for a feed: what the options leave open is read from the name.

    Raises UsageError where options contradict, FeedRejected where the name is needed and cannot be read.
    """
    from feedengine.cli.session import parse_catalog
    from feedengine.target import FeedRequest, is_needed, read_name

    if options.operation is not None and options.operation not in OPERATIONS:
        raise UsageError(f'"{options.operation}" is no operation; it must be one of {", ".join(OPERATIONS)}.')
    if options.force and not options.reason:
        raise UsageError("--force wants --reason: it is kept with the task.", state="Nothing was changed.")
    if options.force and options.hold_removals:
        raise UsageError("--force and --hold-removals exclude each other.", state="Nothing was changed.")
    if options.catalog is not None:
        parse_catalog(options.catalog)
    check_feed(file)
    wanted = FeedRequest(
        path=file,
        catalog=options.catalog,
        operation=options.operation,
        force=options.force,
        reason=options.reason,
        hold_removals=True if options.hold_removals else None,
        actor=session.actor,
        create=options.create,
        profile=options.profile,
        entity=options.entity,
    )
    named = read_name(session.store if session.existing_store() else None, session.settings, wanted)
    name = named.name
    operation = _operation(verb, file, name, options)
    wanted = replace(wanted, operation=operation)
    if isinstance(name, BadName):
        if is_needed(named, wanted):
            raise bad_name(name, verb, profiled=named.profile.naming.grammar != "constructor")
        return wanted
    return replace(
        wanted,
        catalog=options.catalog or named.catalog,
        operation=operation or (name.operation if options.entity is None else None),
        force=options.force or name.force,
    )


def _operation(verb: str, file: Path, name: FeedName | BadName, options: FeedOptions) -> str | None:
    """The operation that was typed, or that the verb `sync` means; a name that says another one is not overruled."""
    wanted = options.operation or ("sync" if verb == "sync" else None)
    if wanted and isinstance(name, FeedName) and name.operation != wanted and not options.operation:
        again = ("feedengine", "apply", str(file), *_typed(options))
        raise UsageError(
            f"By its name this feed is a {name.operation}, not a sync.",
            state="Nothing was changed.",
            code="OTHER_OPERATION",
            hints=[
                Hint("Do what the name says", again),
                Hint("Really sync it", (*again, "--operation", "sync")),
            ],
        )
    return wanted


def _typed(options: FeedOptions) -> tuple[str, ...]:
    """What was typed about the feed's place, to be typed again."""
    named = {"--catalog": options.catalog, "--profile": options.profile, "--entity": options.entity}
    words = [word for flag, value in named.items() if value is not None for word in (flag, value)]
    return (*words, *(("--create",) if options.create else ()))


def bad_name(name: BadName, verb: str, *, profiled: bool = False) -> FeedRejected:
    """The refusal of a name that says too little, with the ways on; `profiled` names say an entity."""
    hints = []
    if name.did_you_mean:
        hints.append(Hint("It was probably meant to be", (name.did_you_mean,)))
    tail = ("--entity", "NAME") if profiled else () if verb == "sync" else ("--operation", "sync")
    hints.append(Hint("Say it yourself", ("feedengine", verb, name.filename, "--catalog", "KEY/SECTION", *tail)))
    return FeedRejected(
        f'The file name "{name.filename}" cannot be read ({name.part}): {name.message}',
        state="Nothing was changed.",
        code=name.code,
        hints=hints,
    )


def exit_code(report: Mapping[str, Any], *, strict: bool = False) -> ExitCode:
    """What a finished report means for the process."""
    verdict = report.get("verdict")
    if verdict == "refused":
        return ExitCode.SAFEGUARD
    if verdict == "invalid":
        return ExitCode.REJECTED
    skipped = any(each.get("rejected") for each in (report.get("entities") or {}).values())
    if verdict == "held" or report.get("outcome") == "held":
        return ExitCode.PARTIAL
    if skipped:
        return ExitCode.REJECTED if strict else ExitCode.PARTIAL
    return ExitCode.DONE


def has_changes(report: Mapping[str, Any]) -> bool:
    """Whether applying would change anything."""
    counts = (report.get("entities") or {}).values()
    return any(each.get("added") or each.get("changed") or each.get("removed") for each in counts)
