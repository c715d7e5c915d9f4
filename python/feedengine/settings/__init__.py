"""Settings: default < file < environment < flag, each value with its origin; strict about names.

A catalog may override `rules`, `limits` and `safeguard` in the file; the environment and flags win over that too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from feedengine.errors import ConfigError, Hint, UsageError
from feedengine.settings.kinds import Secret
from feedengine.settings.setting import REQUIRED, Setting
from feedengine.settings.table import BY_NAME, CATALOG_TABLES, ENTITY_LIMITS, NAMED, SETTINGS, TABLES

FILE_NAME = "feedengine.toml"


@dataclass(frozen=True)
class Value:
    """A setting's value and where it comes from: `default`, `file PATH`, `env NAME`, `flag --NAME`."""

    value: Any
    origin: str = "default"


#: Said of a catalog, but not in the words that the engine takes.
_ELSEWHERE = (
    "rules.profile",
    "safeguard.entities",
    "safeguard.force_from",
    "safeguard.force_held",
    "safeguard.must_exist",
)


@dataclass(frozen=True)
class Settings:
    """All settings of one run. `values` has every name of the table; `catalogs` only what catalogs override.

    `named["sources"]["erp"]` is `[sources.erp]` with every key of its kind.
    """

    values: Mapping[str, Value]
    catalogs: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    file: Path | None = None
    named: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        file: Path | None = None,
        env: Mapping[str, str] | None = None,
        flags: Mapping[str, tuple[str, Any]] | None = None,
    ) -> Settings:
        """Read `file` (None = ./feedengine.toml where there is one), `env` (None = the process's) and `flags`.

        `flags` maps a dotted name to (flag as typed, raw value). Raises ConfigError for the file and the environment,
        UsageError for flags.
        """
        values = {each.dotted: Value(each.default) for each in SETTINGS}
        catalogs: dict[str, dict[str, Value]] = {}
        named: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in NAMED}
        path = _find(file)
        if path is not None:
            _from_file(path, values, catalogs, named)
        _from_env(os.environ if env is None else env, values)
        for dotted, (typed, raw) in (flags or {}).items():
            values[dotted] = _flag_value(BY_NAME[dotted], typed, raw)
            if dotted == "safeguard.limit":
                # A limit that was typed is meant for all entities, whatever the file says about single ones.
                for entity in ENTITY_LIMITS:
                    values[f"safeguard.{entity}"] = Value(None, f"flag {typed}")
                values["safeguard.entities"] = Value({}, f"flag {typed}")
        return cls(values, catalogs, path, named)

    def value(self, dotted: str, catalog: str | None = None) -> Value:
        """A setting with its origin, as it applies to `catalog` (`key/section`)."""
        common = self.values[dotted]
        own = self.catalogs.get(catalog or "", {}).get(dotted)
        return own if own and common.origin.partition(" ")[0] in ("default", "file") else common

    def get(self, dotted: str, catalog: str | None = None) -> Any:
        """A setting's value, as it applies to `catalog`."""
        return self.value(dotted, catalog).value

    def having(self, catalog: str, dotted: str, value: Any, origin: str) -> Settings:
        """The same settings, but that a catalog's own table sets this one."""
        own = {**self.catalogs.get(catalog, {}), dotted: Value(value, origin)}
        return replace(self, catalogs={**self.catalogs, catalog: own})

    def planner(self, catalog: str | None = None) -> dict[str, Any]:
        """What the engine is given: every rule and limit by its bare name, and `safeguard` as a table of its own."""
        flat: dict[str, Any] = {}
        guard: dict[str, Any] = {}
        for each in SETTINGS:
            if each.per_catalog and each.dotted not in _ELSEWHERE:
                target = guard if each.table == "safeguard" else flat
                target[each.name] = self.get(each.dotted, catalog)
        return {**flat, "safeguard": guard}

    @property
    def store(self) -> Path:
        """The store's directory; relative to the settings file when that names it, else to the working directory."""
        value = self.values["store.path"]
        path = Path(value.value)
        if value.origin.startswith("file ") and self.file is not None:
            path = self.file.parent / path
        return path

    def profile(self, catalog: str | None = None) -> str:
        """The profile of a catalog: a name, or a path, which is relative to the settings file where that names it."""
        value = self.value("rules.profile", catalog)
        named = str(value.value)
        if ("/" in named or named.endswith(".toml")) and value.origin.startswith("file ") and self.file is not None:
            return str(self.file.parent / named)
        return named

    def must_exist(self, catalog: str | None = None) -> list[dict[str, str]]:
        """The lists of a catalog's safeguard; their files are relative to the settings file."""
        beside = self.file.parent if self.file else Path()
        return [{**each, "file": str(beside / each["file"])} for each in self.get("safeguard.must_exist", catalog)]

    @property
    def threads(self) -> int:
        """Threads to use, at least 1."""
        return int(self.get("engine.threads")) or len(os.sched_getaffinity(0))

    @property
    def memory_limit(self) -> int:
        """Bytes a run may use."""
        return int(self.get("engine.memory_limit"))

    @property
    def store_memory(self) -> int:
        """DuckDB's share of it in bytes: 100 MiB is enough for any feed; much memory lets it cache more.

        Some 190 MiB are the process itself, its libraries and what the engine cannot do without; of little more than
        that DuckDB gets the half, and never less than it needs to begin at all.
        """
        return min(max(32 << 20, (self.memory_limit - (192 << 20)) // 2), max(100 << 20, self.memory_limit // 10))

    @property
    def keys(self) -> list[str]:
        """Keys of the catalogs that the file names."""
        return sorted({catalog.partition("/")[0] for catalog in self.catalogs})

    def shown(self, catalog: str | None = None) -> Iterator[tuple[Setting, Any, str]]:
        """Every setting with its value and origin; a Secret comes as its mask."""
        for each in SETTINGS:
            value = self.value(each.dotted, catalog)
            yield each, repr(value.value) if isinstance(value.value, Secret) else value.value, value.origin


def _find(file: Path | None) -> Path | None:
    if file is None:
        found = Path(FILE_NAME)
        return found if found.is_file() else None
    if not file.is_file():
        raise ConfigError(
            f"There is no settings file {file}.",
            state="Nothing was started.",
            hints=[Hint("Write one with every setting explained", ("feedengine", "init"))],
        )
    return file


def _from_file(
    path: Path,
    values: dict[str, Value],
    catalogs: dict[str, dict[str, Value]],
    named: dict[str, dict[str, dict[str, Any]]],
) -> None:
    import tomllib

    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"Could not read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (byte {error.start}).") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    origin = f"file {path}"
    for table, content in document.items():
        if table == "catalogs":
            for catalog, tables in _table(path, "catalogs", content).items():
                catalogs[catalog] = _catalog(path, catalog, tables, origin)
        elif table in NAMED:
            for name, keys in _table(path, table, content).items():
                named[table][name] = _named(path, table, name, keys)
        elif table in TABLES:
            values.update(_settings(path, table, table, content, TABLES, origin))
        else:
            raise _unknown(f"{path}: there is no table", f"[{table}]", table, (*TABLES, *NAMED, "catalogs"))


def _named(path: Path, table: str, name: str, content: Any) -> dict[str, Any]:
    place = f"{table}.{name}"
    given = _table(path, place, content)
    keys = {key.name: key for key in NAMED[table]}
    for each in given:
        if each not in keys:
            raise _unknown(f"{path}: there is no key", f'"{each}" in [{place}]', each, list(keys))
    found: dict[str, Any] = {}
    for key in keys.values():
        if key.name not in given:
            if key.default is REQUIRED:
                raise ConfigError(f'{path}: [{place}] needs "{key.name}": {key.about}.')
            found[key.name] = key.default
            continue
        try:
            found[key.name] = key.kind(given[key.name])
        except ValueError as error:
            raise ConfigError(f"{path}: {place}.{key.name} {error}.") from error
    return found


def _catalog(path: Path, catalog: str, tables: Any, origin: str) -> dict[str, Value]:
    key, _, section = catalog.partition("/")
    if not key or not section:
        raise ConfigError(f'{path}: [catalogs."{catalog}"] must be named key/section.')
    found: dict[str, Value] = {}
    for table, content in _table(path, f'catalogs."{catalog}"', tables).items():
        if table == "profile":
            # So much is said by it that it may stand by itself.
            table, content = "rules", {"profile": content}
        place = f'catalogs."{catalog}".{table}'
        if table not in CATALOG_TABLES:
            raise _unknown(f"{path}: a catalog has no table", f"[{place}]", table, CATALOG_TABLES)
        found.update(_settings(path, place, table, content, CATALOG_TABLES, f"{origin} [{place}]"))
    return found


def _settings(
    path: Path, place: str, table: str, content: Any, tables: Sequence[str], origin: str
) -> Iterator[tuple[str, Value]]:
    names = [each.name for each in SETTINGS if each.table == table]
    for name, raw in _table(path, place, content).items():
        setting = BY_NAME.get(f"{table}.{name}")
        if setting is None:
            at = next((each.table for each in SETTINGS if each.name == name and each.table in tables), None)
            if at:
                raise ConfigError(f'{path}: "{name}" in [{place}] belongs in [{place.removesuffix(table)}{at}].')
            raise _unknown(f"{path}: there is no setting", f'"{name}" in [{place}]', name, names)
        try:
            yield setting.dotted, Value(setting.kind(raw), origin)
        except ValueError as error:
            raise ConfigError(f"{path}: {place}.{name} {error}.") from error


def _table(path: Path, place: str, content: Any) -> dict[str, Any]:
    if isinstance(content, dict):
        return content
    raise ConfigError(f"{path}: {place} must be a table.")


def _from_env(env: Mapping[str, str], values: dict[str, Value]) -> None:
    by_variable = {each.variable: each for each in SETTINGS}
    strict = tuple(f"FEEDENGINE_{table.upper()}_" for table in TABLES)
    for name in sorted(each for each in env if each.startswith("FEEDENGINE_")):
        setting = by_variable.get(name)
        if setting is None:
            if name.startswith(strict):
                raise _unknown("the environment sets", name, name, list(by_variable), "which is no setting")
            continue
        try:
            values[setting.dotted] = Value(setting.kind(env[name]), f"env {name}")
        except ValueError as error:
            raise ConfigError(f"{name} {error}.") from error


def _flag_value(setting: Setting, typed: str, raw: Any) -> Value:
    try:
        return Value(setting.kind(raw), f"flag {typed}")
    except ValueError as error:
        raise UsageError(f"{typed} {error}.") from error


def _unknown(what: str, shown: str, name: str, allowed: Sequence[str], tail: str = "") -> ConfigError:
    from difflib import get_close_matches

    close = get_close_matches(name, allowed, 1, 0.6)
    ending = f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(allowed)}."
    return ConfigError(
        f"{what} {shown}{', ' + tail if tail else ''}{ending}",
        state="Nothing was started.",
        hints=[Hint("List every setting", ("feedengine", "config", "schema"))],
    )


load = Settings.load
