"""Checking feeds against an empty catalog that is thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli.feeds import bad_name, exit_code
from feedengine.cli.given import check_feed
from feedengine.cli.render import report, text
from feedengine.errors import ExitCode, FeedEngineError, FeedRejected, UsageError
from feedengine.names import OPERATIONS, FeedName

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.store import Store
    from feedengine.target import FeedRequest, Named

_CATALOG = "validate/validate"
#: What to check a feed as, where nothing is stored that it could patch, delete or keep.
_WITHOUT_CATALOG = {"patchdelta": "patchdeltaignore"}


def validate(
    session: Session,
    files: Sequence[Path],
    *,
    operation: str | None,
    catalog: str | None,
    errors_csv: Path | None,
    strict: bool,
    profile: str | None = None,
    entity: str | None = None,
) -> int:
    """Check every file; gives the worst exit code."""
    if operation is not None and operation not in OPERATIONS:
        raise UsageError(f'"{operation}" is no operation; it must be one of {", ".join(OPERATIONS)}.')
    for file in files:
        check_feed(file, state=None)
    from feedengine.store import Store
    from feedengine.target import FeedRequest

    found: list[dict[str, Any]] = []
    worst = ExitCode.DONE
    with tempfile.TemporaryDirectory(prefix="feedengine-") as folder:
        store = Store.create(Path(folder) / "store", session.store_options())
        for file in files:
            wanted = FeedRequest(file, catalog, operation, create=True, profile=profile, entity=entity)
            document, code = _one(session, store, wanted, strict)
            found.append(document)
            worst = max(worst, code)
            if not session.out.machine:
                _show(session, file, document, code)
    if errors_csv is not None:
        count = _write(errors_csv, found)
        session.out.talk(f"{text.counted(count, 'problem')} written to {errors_csv}")
    if session.out.machine:
        ok = worst == ExitCode.DONE
        session.out.json({"schema": "feedengine.validation/1", "ok": ok, "exit": int(worst), "files": found})
    return int(worst)


def _one(session: Session, store: Store, wanted: FeedRequest, strict: bool) -> tuple[dict[str, Any], ExitCode]:
    from feedengine import ingest
    from feedengine.target import read_name

    file = wanted.path
    named = read_name(None, session.settings, wanted)
    name = named.name
    said = wanted.operation or (name.operation if isinstance(name, FeedName) else _operation(named, wanted))
    request = replace(wanted, catalog=named.catalog or _CATALOG, operation=_WITHOUT_CATALOG.get(said, said))
    if named.profile.naming.grammar != "constructor":
        request = replace(request, profile=named.profile.source)
    try:
        with session.watch() as watch:
            document = ingest.plan(store, session.settings, request, watch).report
    except FeedRejected as error:
        return {"verdict": "invalid", "file": {"name": file.name}, "error": error.as_dict()}, error.exit
    document["operation"] = said
    if not isinstance(name, FeedName):
        # The content may be right all the same; where the name is all there is, it will be refused.
        document["name_problem"] = _as_problem(bad_name(name, "apply"))
    return document, exit_code(document, strict=strict)


def _operation(named: Named, wanted: FeedRequest) -> str:
    """What a file is checked as whose name says nothing."""
    known = {each.name: each.operation for each in named.profile.entities}
    return known.get(wanted.entity or "", "sync")


def _as_problem(error: FeedEngineError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message}


def _show(session: Session, file: Path, document: dict[str, Any], code: ExitCode) -> None:
    out = session.out
    rows = ", ".join(
        f"{text.number(each['rows'])} {text.entity_words(name)}"
        for name, each in (document.get("entities") or {}).items()
        if each["rows"]
    )
    word = {ExitCode.DONE: "ok", ExitCode.PARTIAL: "rows would be skipped"}.get(code, "would be rejected")
    out.data(f"{text.clean(file)}: {word}{f' ({rows})' if rows else ''}")
    lines = report.problems(document)
    error = document.get("error")
    if error and not lines:
        lines = text.paragraph("", f"{text.clean(error['message'])} [{error['code']}]", indent=9)
    if document.get("name_problem"):
        lines += text.paragraph("", f"name: {text.clean(document['name_problem']['message'])}", indent=9)
    for line in lines:
        out.data(line)


def _write(path: Path, documents: list[dict[str, Any]]) -> int:
    from feedengine.deliver.spreadsheet import write_file
    from feedengine.ledger.task import FAULT_NAMES, PROBLEM_COLUMNS

    rows = []
    for document in documents:
        listed = (document.get("problems") or {}).get("list") or ()
        for fault in listed:
            rows.append({name: fault.get(FAULT_NAMES.get(name, name)) for name in PROBLEM_COLUMNS})
        error = document.get("error")
        if error and not listed:
            rows.append({"file": document["file"]["name"], "code": error["code"], "message": error["message"]})
    return write_file(path, PROBLEM_COLUMNS, rows)
