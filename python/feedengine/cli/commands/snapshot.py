"""`feedengine snapshot ...`: what is stored, what changed, the way back."""

from __future__ import annotations

from typing import Annotated, Any

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option
from feedengine.errors import ExitCode, UsageError

group = Group()

Number = Annotated[int, Argument(metavar="SNAPSHOT", help="The snapshot's number.")]
Reason = Annotated[str | None, Option("--reason", metavar="TEXT", help="Why; kept with the snapshot.")]


@group.command("list")
def list_snapshots(
    context: Context,
    catalog: params.Catalog = None,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most snapshots to show.")] = 20,
) -> int:
    """List the snapshots of a catalog, newest first; without --catalog, of all of them."""
    from feedengine.cli.render import snapshot as render

    session = params.session(context)
    targets = [session.catalog_name(catalog)] if catalog else session.catalogs()
    lines: list[str] = []
    found: list[dict[str, Any]] = []
    for key, section in targets:
        opened, _ = session.catalog(f"{key}/{section}")
        snapshots = [info.as_dict() for info in reversed(opened.snapshots(section))]
        found += [{"catalog": f"{key}/{section}", **each} for each in snapshots[:limit]]
        if len(targets) > 1:
            lines += [*([""] if lines else []), f"{key}/{section}"]
        lines += render.listing(snapshots[:limit])
        if len(snapshots) > limit:
            lines.append(f"{limit} of {len(snapshots)}; --limit shows more")
    session.out.show({"schema": "feedengine.snapshots/1", "snapshots": found}, lines or ["no snapshots"])
    return 0


@group.command("show")
def show(context: Context, snapshot: Number, catalog: params.Catalog = None) -> int:
    """Show one snapshot: where it came from, its counts and digests."""
    from feedengine.cli.render import snapshot as render

    session = params.session(context)
    opened, _ = session.catalog(catalog)
    found = opened.snapshot(snapshot).as_dict()
    session.out.show({"schema": "feedengine.snapshot/1", "catalog": opened.key, **found}, render.details(found))
    return 0


@group.command("diff")
def diff(
    context: Context,
    a: Annotated[int, Argument(metavar="A", help="Before: a snapshot's number; 0 is the empty catalog.")],
    b: Annotated[int, Argument(metavar="B", help="After.")],
    form: Annotated[str, Option("--format", metavar="FORM", help="table, csv, jsonl, daff or html.")] = "table",
    fields: Annotated[str | None, Option("--fields", metavar="A,B", help="Only these fields.")] = None,
    limit: Annotated[int | None, Option("--limit", metavar="N", least=0, help="Most records to show.")] = None,
    only: Annotated[str | None, Option("--only", metavar="KIND", help="added, changed or removed.")] = None,
    entity: Annotated[str | None, Option("--entity", metavar="NAME", help="Only this entity.")] = None,
    catalog: params.Catalog = None,
    detailed_exitcode: params.DetailedExitCode = False,
) -> int:
    """Show what differs between two snapshots; like `feedengine diff`, for numbers only."""
    from feedengine.cli.comparing import Comparison, compare

    wanted = tuple(part.strip() for part in (fields or "").split(",") if part.strip())
    how = Comparison(form, wanted, limit, only, entity, catalog, detailed_exitcode)
    return compare(params.session(context), f"snapshot:{a}", f"snapshot:{b}", how)


@group.command("rollback")
def rollback(context: Context, snapshot: Number, reason: Reason = None, catalog: params.Catalog = None) -> int:
    """Make the catalog as it was at a snapshot. This is a new snapshot itself, so it can be undone the same way."""
    from feedengine.cli.rollback import roll_back

    return roll_back(params.session(context), snapshot, catalog, reason)


@group.command("prune")
def prune(
    context: Context,
    keep: Annotated[int, Option("--keep", metavar="N", least=1, help="How many of the newest to keep.")],
    catalog: params.Catalog = None,
) -> int:
    """Forget old snapshots for good and win back their space. Pinned ones and the current one are kept. Asks first."""
    session = params.session(context)
    opened, section = session.catalog(catalog)
    session.confirm(f"Forget all but the newest {keep} snapshots of {opened.key}/{section} for good?")
    gone = [int(number) for number in opened.prune(section, keep=keep)]
    session.out.show(
        {"schema": "feedengine.pruned/1", "catalog": f"{opened.key}/{section}", "pruned": gone},
        [f"{len(gone)} snapshots forgotten: {', '.join(map(str, gone))}" if gone else "nothing to forget"],
    )
    return 0


@group.command("pin")
def pin(context: Context, snapshot: Number, catalog: params.Catalog = None) -> int:
    """Keep a snapshot from being pruned."""
    return _pin(context, snapshot, catalog, True)


@group.command("unpin")
def unpin(context: Context, snapshot: Number, catalog: params.Catalog = None) -> int:
    """Let a snapshot be pruned again."""
    return _pin(context, snapshot, catalog, False)


def _pin(context: Context, snapshot: int, catalog: str | None, on: bool) -> int:
    session = params.session(context)
    opened, _ = session.catalog(catalog)
    opened.pin(snapshot, on)
    word = "pinned" if on else "not pinned"
    session.out.show(
        {"schema": "feedengine.pin/1", "snapshot": snapshot, "pinned": on}, [f"snapshot {snapshot} is {word}"]
    )
    return 0


@group.command("check")
def check(context: Context, catalog: params.Catalog = None) -> int:
    """Prove that the stored records, their index and their counts agree; exit code 9 when they do not."""
    from feedengine.cli.session import as_document

    session = params.session(context)
    targets = [session.catalog_name(catalog)] if catalog else session.catalogs()
    reports, lines, sound = [], [], True
    for key, section in targets:
        opened, _ = session.catalog(f"{key}/{section}")
        found = as_document(opened.check(section))
        reports.append({"catalog": f"{key}/{section}", **found})
        problems = [str(each) for each in found.get("problems") or ()]
        sound = sound and not problems and bool(found.get("ok", True))
        lines.append(f"{key}/{section}: {'ok' if not problems else f'{len(problems)} problems'}")
        lines += [f"  {each}" for each in problems]
    session.out.show({"schema": "feedengine.check/1", "ok": sound, "catalogs": reports}, lines or ["no catalogs"])
    return int(ExitCode.DONE if sound else ExitCode.STORE)


@group.command("path")
def path(context: Context, catalog: params.Catalog = None) -> int:
    """Print the path of the DuckDB file, for other tools; they open it read-only."""
    session = params.session(context)
    opened, _ = session.catalog(catalog)
    session.out.show({"schema": "feedengine.path/1", "path": str(opened.path())}, [str(opened.path())])
    return 0


@group.command("sql")
def sql(
    context: Context,
    query: Annotated[str, Argument(metavar="QUERY", help="For example: FROM items LIMIT 5")],
    catalog: params.Catalog = None,
    csv: Annotated[bool, Option("--csv", help="Print CSV, all rows.")] = False,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most rows of a table.")] = 100,
) -> int:
    """Ask the catalog in SQL, read-only. Current rows are views named as the entities: items, variations..."""
    from itertools import islice

    from feedengine.cli.render import snapshot as render
    from feedengine.deliver.spreadsheet import write_rows
    from feedengine.store.records import records

    session = params.session(context)
    opened, section = session.catalog(catalog)
    found = records(opened.sql(query, section))
    if csv and not session.out.machine:
        first = next(found, None)
        if first is not None:
            write_rows(session.out.stdout, list(first), _chain(first, found))
        return 0
    rows = list(islice(found, limit))
    more = next(found, None) is not None
    session.out.show({"schema": "feedengine.rows/1", "rows": rows, "cut": more}, render.rows(rows))
    if more:
        session.out.talk(f"only the first {limit} rows; --limit or --csv show more")
    return 0


def _chain(first: dict[str, Any], rest: Any) -> Any:
    yield first
    yield from rest


@group.command("export")
def export(
    context: Context,
    out: Annotated[str, Option("--out", metavar="FILE", help="Where; its ending tells the form; - is stdout.")],
    at: Annotated[
        int | None, Option("--at", metavar="SNAPSHOT", help="Which one; the current one if left out.")
    ] = None,
    form: Annotated[
        str | None,
        Option("--format", metavar="FORM", help="tar.gz, csv, jsonl, parquet, csv.gz, jsonl.tar.gz..."),
    ] = None,
    entity: Annotated[
        str | None,
        Option("--entity", metavar="NAME", help="Of csv, jsonl, parquet: which; the profile's first if left out."),
    ] = None,
    ids: Annotated[
        str | None,
        Option(
            "--ids", metavar="NAME", help="Only the ids of this entity's records: those the engine made, and yours."
        ),
    ] = None,
    catalog: params.Catalog = None,
) -> int:
    """Write a snapshot out: one entity as csv, jsonl or parquet, or all as an archive that can be loaded again."""
    from feedengine.cli.session import check_entity
    from feedengine.deliver.export import FORMS, export_ids, form_of
    from feedengine.deliver.export import export as write

    session = params.session(context)
    wanted = form or form_of(out) or ("csv" if ids and out == "-" else None)
    if wanted not in FORMS:
        raise UsageError(f"Say the form with --format or by the file's ending: {', '.join(FORMS)}.")
    if ids and (entity or wanted not in ("csv", "csv.gz")):
        raise UsageError("--ids NAME is for csv and csv.gz, and names the entity itself.", state="Nothing was written.")
    opened, section = session.catalog(catalog)
    entity = ids or entity or opened.entities.first
    check_entity(entity, opened.entities.names)
    if ids:
        counts = export_ids(opened, section, out, entity=ids, form=wanted, at=at)
    else:
        counts = write(opened, section, out, form=wanted, at=at, entity=entity)
    said = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items()) or "nothing"
    if out == "-":
        # Stdout holds the records themselves.
        session.out.say([] if session.options.quiet else f"{said} written")
        return 0
    document = {"schema": "feedengine.written/1", "file": out, "format": wanted, "records": counts}
    session.out.show(document, [f"{said} written to {out}"])
    return 0
