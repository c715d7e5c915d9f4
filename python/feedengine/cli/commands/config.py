"""`feedengine config ...`: settings, where each comes from, and whether a file is right."""

from __future__ import annotations

from feedengine.cli import params
from feedengine.cli.declare import Context, Group

group = Group()


@group.command("show")
def show(context: Context, catalog: params.Catalog = None) -> int:
    """Show every setting with its origin: default, file, environment or flag. Secrets are masked."""
    from feedengine.cli.render import settings as render

    session = params.session(context)
    shown = list(session.settings.shown(catalog))
    document = {
        "schema": "feedengine.settings/1",
        "file": str(session.settings.file) if session.settings.file else None,
        "catalog": catalog,
        "settings": [{"name": setting.dotted, "value": value, "origin": origin} for setting, value, origin in shown],
    }
    session.out.show(document, render.values(shown))
    return 0


@group.command("check")
def check(context: Context) -> int:
    """Check the settings file and the environment, and what they name; exit code 2 when something is wrong."""
    from feedengine.cli.render import text
    from feedengine.errors import ConfigError
    from feedengine.service import usable

    session = params.session(context)
    settings = session.settings
    changed = sum(1 for _, _, origin in settings.shown() if origin != "default")
    where = str(settings.file) if settings.file else "no settings file"
    catalogs = sorted(settings.catalogs)
    troubles = list(usable.troubles(settings))
    if troubles:
        raise ConfigError("\n".join(troubles), state="Nothing was started or changed.")
    named = {table: sorted(tables) for table, tables in settings.named.items() if tables}
    document = {"file": where, "changed": changed, "catalogs": catalogs, "named": named, "ok": True}
    more = "".join(f", {len(names)} {text.clean(table)}" for table, names in named.items())
    session.out.show(
        {"schema": "feedengine.settings-check/1", **document},
        [
            f"ok: {where}, {changed} settings are not the default, {len(catalogs)} catalogs have settings of their own"
            f"{more}"
        ],
    )
    return 0


@group.command("schema")
def schema(context: Context) -> int:
    """Explain every setting: its default, what it does, its environment variable."""
    from feedengine.cli.render import settings as render

    params.session(context).out.show(
        {"schema": "feedengine.settings-schema/1", "settings": render.schema(), "named": render.named_schema()},
        render.explained(),
    )
    return 0
