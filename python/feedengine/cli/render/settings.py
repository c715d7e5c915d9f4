"""Settings as text: their values with origins, their explanations, a commented file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from feedengine.cli.render import text
from feedengine.settings.setting import REQUIRED, Key, Setting
from feedengine.settings.table import NAMED, SETTINGS


def toml(value: Any) -> str:
    """A value as TOML."""
    if value is None:
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)


def readable(setting: Setting | Key, value: Any) -> str:
    """A value as TOML, sizes with their unit."""
    # Whether a number is a size is known to its kind only.
    sized = getattr(setting.kind, "__qualname__", "").startswith("size.")
    if sized and isinstance(value, int) and value:
        for unit, count in (("MiB", 2**20), ("GB", 10**9), ("MB", 10**6)):
            if value % count == 0:
                return f'"{value // count}{unit}"'
    return toml(value)


def values(shown: Iterable[tuple[Setting, Any, str]]) -> list[str]:
    """Every value with its origin, by table."""
    lines: list[str] = []
    rows = [(setting, readable(setting, value), origin) for setting, value, origin in shown]
    width = max(len(setting.name) for setting, _, _ in rows)
    space = min(28, max(len(value) for _, value, _ in rows))
    table = ""
    for setting, value, origin in rows:
        if setting.table != table:
            table = setting.table
            lines += [*([""] if lines else []), f"[{table}]"]
        lines.append(f"{setting.name.ljust(width)} = {text.clean(value).ljust(space)}  # {text.clean(origin)}")
    return lines


def commented_file() -> str:
    """A settings file in which every setting is explained, and none is changed; named tables as examples."""
    lines = [
        "# Settings of feedengine. Every line that is commented out shows the default.",
        "# An environment variable (FEEDENGINE_<TABLE>_<NAME>) and an option of the command win over this file.",
    ]
    table = ""
    for setting in SETTINGS:
        if setting.table != table:
            table = setting.table
            lines += ["", f"[{table}]"]
        lines += ["", f"# {setting.about}", f"#{setting.name} = {readable(setting, setting.default)}"]
    lines += [
        "",
        "# Rules, limits and the safeguard may differ for one catalog:",
        '#[catalogs."key_7AeG/Products".safeguard]',
        '#  limit = "30%"',
    ]
    for name, keys in NAMED.items():
        about, example = _NAMED[name]
        lines += ["", f"# {about}", f"#[{name}.{example}]"]
        for key in keys:
            value = _EXAMPLES.get(f"{name}.{key.name}", "" if key.default is REQUIRED else key.default)
            lines += [f"# {key.about}", f"#{key.name} = {readable(key, value)}"]
    return "\n".join(lines) + "\n"


#: What a named table is for, and a name for its example.
_NAMED = {
    "sources": ("A place that feeds are fetched from; as many as there are, each with a name of its own.", "erp"),
    "targets": ("A place that files are sent to.", "search"),
    "webhooks": ("A program that is told of tasks and incidents by HTTP.", "shop"),
    "exports": ("Records of a profile's entity that are sent as they are created or confirmed.", "orders"),
    "intake": ("Which entities of a profile are taken from accounts, and when.", '"acme/main"'),
}
#: Values for keys whose default says little, or that have none.
_EXAMPLES = {
    "sources.url": "ftps://feedengine@erp.example/outbox",
    "targets.url": "ftps://shop@search.example/in",
    "webhooks.url": "https://shop.example/hooks/feedengine",
    "exports.catalog": "acme/main",
    "exports.account": "shop",
    "intake.schedules": ["products 24h", "inventory 30m"],
    "intake.stale_after": ["inventory 2h"],
}


def schema() -> list[dict[str, Any]]:
    """Every setting for programs."""
    return [
        {
            "name": setting.dotted,
            "default": setting.default,
            "about": setting.about,
            "variable": setting.variable,
            "per_catalog": setting.per_catalog,
        }
        for setting in SETTINGS
    ]


def named_schema() -> dict[str, list[dict[str, Any]]]:
    """Every key of the tables that have names of their own, for programs."""
    return {
        table: [
            {
                "name": key.name,
                "default": None if key.default is REQUIRED else key.default,
                "required": key.default is REQUIRED,
                "about": key.about,
            }
            for key in keys
        ]
        for table, keys in NAMED.items()
    }


def explained() -> list[str]:
    """Every setting for people."""
    lines: list[str] = []
    for setting in SETTINGS:
        scope = ", per catalog" if setting.per_catalog else ""
        lines.append(f"{setting.dotted} = {readable(setting, setting.default)}")
        lines += text.paragraph("", f"{setting.about} ({setting.variable}{scope})", indent=4)
    for table, keys in NAMED.items():
        for key in keys:
            value = "(required)" if key.default is REQUIRED else readable(key, key.default)
            lines.append(f"{table}.NAME.{key.name} = {value}")
            lines += text.paragraph("", key.about, indent=4)
    return lines
