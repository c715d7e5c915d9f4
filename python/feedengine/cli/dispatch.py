"""From words to an exit code: global options, the command, and an answer to everything that can go wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from feedengine.cli import options
from feedengine.cli.output import Output, silence
from feedengine.errors import ExitCode

if TYPE_CHECKING:
    from feedengine.cli.session import Session


def dispatch(words: Sequence[str]) -> int:
    """Run one command; gives the exit code and never raises."""
    out = Output(options.Options())
    session = None
    try:
        chosen, rest = options.split(words)
        out = Output(chosen)
        if chosen.version:
            code = _version(out)
        else:
            from feedengine.cli.session import Session

            session = Session(chosen, out)
            code = _run(session, rest)
        out.flush()
        return code
    except BrokenPipeError:
        # The reader left (`| head`): that is no error, and there is nobody to tell.
        silence(out.stdout)
        return int(ExitCode.DONE)
    except (Exception, KeyboardInterrupt) as problem:
        return _tell(out, problem, session)
    finally:
        if session is not None:
            session.close()


def _version(out: Output) -> int:
    from feedengine.cli.version import version

    out.show({"feedengine": version()}, [f"feedengine {version()}"])
    return int(ExitCode.DONE)


def _run(session: Session, rest: Sequence[str]) -> int:
    from feedengine.cli.app import run

    return run(rest, session)


def _tell(out: Output, problem: BaseException, session: Session | None) -> int:
    """Tell of a failure; where even that cannot be written, the exit code speaks alone."""
    from feedengine.cli import failures

    code = int(ExitCode.BUG)
    try:
        code = failures.answer(out, problem, session)
        out.flush()
    except BrokenPipeError:
        silence(out.stdout)
    except OSError as error:
        failure = failures.output_failed(error)
        code = int(failure.exit)
        with contextlib.suppress(OSError):
            silence(out.stdout)
            out.say(f"ERROR     {failure.message}")
    return code
