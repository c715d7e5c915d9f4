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
    """Check the settings file and the environment; exit code 2 when something is wrong."""
    session = params.session(context)
    settings = session.settings
    changed = sum(1 for _, _, origin in settings.shown() if origin != "default")
    where = str(settings.file) if settings.file else "no settings file"
    catalogs = sorted(settings.catalogs)
    session.out.show(
        {"schema": "feedengine.settings-check/1", "file": where, "changed": changed, "catalogs": catalogs, "ok": True},
        [f"ok: {where}, {changed} settings are not the default, {len(catalogs)} catalogs have settings of their own"],
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
