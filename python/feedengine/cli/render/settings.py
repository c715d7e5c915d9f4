"""Settings as text: their values with origins, their explanations, a commented file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from feedengine.cli.render import text
from feedengine.settings.setting import Setting
from feedengine.settings.table import SETTINGS


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


def readable(setting: Setting, value: Any) -> str:
    """A value as TOML, sizes with their unit."""
    if isinstance(value, int) and not isinstance(value, bool) and setting.name in _SIZES and value % 2**20 == 0:
        return f'"{value // 2**20}MiB"'
    return toml(value)


_SIZES = ("memory_limit", "max_record_bytes")


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
    """A settings file in which every setting is explained, and none is changed."""
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
    return "\n".join(lines) + "\n"


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


def explained() -> list[str]:
    """Every setting for people."""
    lines: list[str] = []
    for setting in SETTINGS:
        scope = ", per catalog" if setting.per_catalog else ""
        lines.append(f"{setting.dotted} = {readable(setting, setting.default)}")
        lines += text.paragraph("", f"{setting.about} ({setting.variable}{scope})", indent=4)
    return lines
