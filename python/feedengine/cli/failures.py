"""How a run ends badly: errors we know, errors of the system, and bugs of ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli.output import Output, silence
from feedengine.cli.render import refusal, report, steps
from feedengine.cli.render.error import error as error_lines
from feedengine.cli.signals import exit_code
from feedengine.errors import (
    DiskFull,
    ExitCode,
    FeedEngineError,
    SafeguardRefused,
    StoreError,
    from_os_error,
)

if TYPE_CHECKING:
    from feedengine.cli.session import Session

LOG_NAME = "feedengine.log"


def answer(out: Output, problem: BaseException, session: Session | None) -> int:
    """Tell of any exception; gives the exit code."""
    if isinstance(problem, KeyboardInterrupt):
        return interrupted(out, exit_code(problem))
    if isinstance(problem, FeedEngineError):
        return known(out, problem)
    return unknown(out, problem, session)


def known(out: Output, problem: FeedEngineError) -> int:
    """Tell of an error of ours, with the report where there is one."""
    document = problem.report
    hints = [each.as_dict() for each in problem.hints]
    if document is not None and isinstance(problem, SafeguardRefused):
        hints = hints or steps.after(document)
    if out.machine:
        whole: dict[str, Any] = {"schema": "feedengine.error/1"} if document is None else dict(document)
        whole["error"] = problem.as_dict()
        whole["hints"] = steps.complete(hints, out.given)
        out.json(whole)
    elif document is not None:
        out.talk(report.reading(document))
        out.summary(report.summary(document))
    out.say(_screen(problem, steps.lines(steps.complete(hints, out.given)), out))
    return int(problem.exit)


def _screen(problem: FeedEngineError, next_steps: list[str], out: Output) -> list[str]:
    document = problem.report
    if document is None:
        return error_lines(problem, out.given)
    stopped = refusal.refusal(document) if isinstance(problem, SafeguardRefused) else []
    if stopped:
        return [*stopped, *([""] if next_steps else []), *next_steps]
    details = report.problems(document)
    more = steps.lines(steps.complete(_more(document), out.given))
    return [*error_lines(problem, out.given), *([""] if details else []), *details, *([""] if more else []), *more]


def _more(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """After a rejection: where all its problems are."""
    if not document.get("task"):
        return []
    argv = ["feedengine", "task", "errors", str(document["task"]), "--csv", "errors.csv"]
    return [{"text": "Every problem", "argv": argv}]


def unknown(out: Output, problem: BaseException, session: Session | None) -> int:
    """Tell of an exception that is not ours: of the system, or a bug."""
    if isinstance(problem, OSError):
        return known(out, _system(problem, out))
    if isinstance(problem, MemoryError):
        return known(out, StoreError("Out of memory.", code="OUT_OF_MEMORY", state="Nothing was switched."))
    log = _write_log(problem, session)
    where = f"the traceback is in {log}" if log else "the traceback could not be written anywhere"
    line = f"BUG       {type(problem).__name__}: {_one_line(problem)}; a bug of ours, {where}"
    if out.machine:
        facts = {"code": "BUG", "exit": int(ExitCode.BUG), "message": _one_line(problem), "log": log and str(log)}
        out.json({"schema": "feedengine.error/1", "error": facts})
    out.say(line)
    return int(ExitCode.BUG)


def interrupted(out: Output, code: int) -> int:
    """Tell of Ctrl-C or SIGTERM in one line."""
    word = "Terminated" if code == ExitCode.TERMINATED else "Interrupted"
    out.talk(f"{word}: a snapshot is switched as a whole or not at all; see `feedengine task list`.")
    return code


def output_failed(problem: OSError) -> FeedEngineError:
    """What to say when the output itself cannot be written."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull("The output could not be written: no space left; the work itself is in `feedengine task list`.")
    return StoreError(f"The output could not be written: {problem.strerror or problem}.")


def _system(problem: OSError, out: Output) -> FeedEngineError:
    # An error without a file is of a stream: what we were told to write to.
    if problem.filename is None and problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        silence(out.stdout)
        return output_failed(problem)
    return from_os_error(problem, "finish")


def _write_log(problem: BaseException, session: Session | None) -> Path | None:
    import tempfile
    import traceback
    from datetime import UTC, datetime

    entry = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n{''.join(traceback.format_exception(problem))}\n"
    root = session.existing_store() if session is not None else None
    places = [*([root / LOG_NAME] if root else []), Path(tempfile.gettempdir()) / f"feedengine-{os.getuid()}.log"]
    for place in places:
        try:
            # Never through a link that somebody else laid in a shared directory.
            descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as log:
                log.write(entry)
            return place
        except OSError:
            continue
    return None


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split()) or "no message"
