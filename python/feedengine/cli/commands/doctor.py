"""`feedengine doctor`: versions, the store, the disk, the clock, the locale."""

from __future__ import annotations

from feedengine.cli import params
from feedengine.cli.declare import Context


def command(context: Context) -> int:
    """Check what feedengine stands on; exit code 9 when the store is damaged or the disk nearly full."""
    from feedengine.cli.examining import examine
    from feedengine.errors import ExitCode

    session = params.session(context)
    findings = examine(session)
    marks = {"ok": "ok  ", "warn": "WARN", "bad": "BAD "}
    width = max(len(finding.name) for finding in findings)
    lines = [f"{marks[finding.state]}  {finding.name.ljust(width)}  {finding.said}" for finding in findings]
    sound = all(finding.state != "bad" for finding in findings)
    document = {
        "schema": "feedengine.doctor/1",
        "ok": sound,
        "findings": [{"name": each.name, "state": each.state, "said": each.said} for each in findings],
    }
    session.out.show(document, lines)
    return int(ExitCode.DONE if sound else ExitCode.STORE)
