"""The command tree: each verb with its one line for the overview. Its module is imported only when it is typed."""

from __future__ import annotations

VERBS: dict[str, str] = {
    "init": "Write a commented settings file and an empty store.",
    "serve": "Receive, fetch, apply and send feeds until told to stop.",
    "submit": "Put a feed into the queue of the service.",
    "status": "Show how the service is: queue, problems, what runs and what is next.",
    "where": "Say what became of a file, in one line.",
    "sync": "Apply a full feed: what it does not hold is removed.",
    "apply": "Apply any feed by its name, or a saved plan.",
    "plan": "Show what a feed would change; everything but the write.",
    "diff": "Compare two files, two snapshots, or one of each.",
    "validate": "Read feeds and apply the rules; no store is needed.",
    "snapshot": "List, show, compare, export, roll back and check snapshots.",
    "task": "List, show, approve and reject tasks, and their errors.",
    "problems": "List what is wrong and still open, by owner; show and dismiss.",
    "conflicts": "List rows that might mean several records; choose the record, dismiss.",
    "guard": "Try other limits of the safeguard on the feeds that came.",
    "completeness": "Show how complete records are, and what they lack.",
    "dupes": "Show records that are likely the same one twice.",
    "merge": "Make two records one.",
    "parked": "List rows that wait for a record; look again, drop.",
    "source": "List, show, check, run, pause and resume what is fetched from.",
    "schedule": "Show when sources are looked at.",
    "send": "Send a file to another server, exactly once.",
    "publish": "Make a receiver the same as a catalog, with the smallest feeds.",
    "export": "Show records that are sent as they are created; send one again.",
    "outbox": "List, show, retry and drop what is to be sent.",
    "incident": "List open problems, say that you know; mails and webhooks about them.",
    "record": "Create, change and show one record by hand.",
    "trace": "Show a record's life: which file and snapshot set each field.",
    "user": "Make, show and change the accounts of partners; bans.",
    "service": "Print what runs the service: a systemd unit.",
    "profile": "List, show, check and draft what feeds are: entities, names, fields, rules.",
    "template": "Write the CSV or XLSX file that a partner fills in.",
    "config": "Show settings and where each comes from.",
    "doctor": "Check versions, the store, the disk and the clock.",
    "bench": "Measure this machine with a generated catalog.",
}


def module(verb: str) -> str:
    """The module that holds a verb."""
    return f"feedengine.cli.commands.{verb}"
