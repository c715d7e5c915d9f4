"""What commands share: options, settings, the store, the catalog that is meant; each opened when first used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.errors import CatalogNotFound, UsageError

if TYPE_CHECKING:
    from feedengine.cli.options import Options
    from feedengine.cli.output import Output
    from feedengine.cli.watch import Watching
    from feedengine.settings import Settings
    from feedengine.store import Store
    from feedengine.store.catalog import Catalog


class Session:
    """One run of the command line."""

    def __init__(self, options: Options, out: Output) -> None:
        self.options = options
        self.out = out
        self.flags: dict[str, tuple[str, Any]] = {}
        self._open = ExitStack()

    def close(self) -> None:
        """Let go of what was opened."""
        self._open.close()

    def flag(self, dotted: str, typed: str, value: Any) -> None:
        """Let a flag of the command set a setting; None means it was not typed. Before `settings` is used."""
        if value is not None and value is not False:
            self.flags[dotted] = (typed, value)

    @cached_property
    def settings(self) -> Settings:
        """Default, file, environment and flags together. Raises ConfigError."""
        from feedengine.settings import Settings

        if self.options.store is not None:
            self.flags["store.path"] = ("--store", self.options.store)
        return Settings.load(Path(self.options.config) if self.options.config else None, flags=self.flags)

    @cached_property
    def store(self) -> Store:
        """The store. Raises StoreNotFound."""
        from feedengine.store import Store

        return Store.open(self.settings.store, self.store_options())

    def store_options(self) -> Any:
        """How the store is run, from the settings."""
        from feedengine.store import Options

        return Options(
            threads=self.settings.threads,
            memory=self.settings.store_memory,
            wait_seconds=float(self.settings.get("store.busy_wait")),
            notify=self.out.talk,
        )

    def existing_store(self) -> Path | None:
        """The store's directory if it is there; never raises."""
        try:
            root = self.settings.store
            return root if (root / "store.json").is_file() else None
        except Exception:
            return None

    @property
    def actor(self) -> str:
        """Who runs this, for the record: user@host."""
        import getpass
        import socket

        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            name = "unknown"
        return f"{name}@{socket.gethostname()}"

    def watch(self) -> Watching:
        """What shows progress, as the options and the terminal want it; a context manager."""
        from feedengine.cli.watch import watching

        return watching(self.out)

    def catalog(self, named: str | None) -> tuple[Catalog, str]:
        """The catalog of `key/section`, opened, and the section. None = the only one there is.

        Raises UsageError where several might be meant, CatalogNotFound where it does not exist.
        """
        key, section = self.catalog_name(named)
        opened = self._open.enter_context(self.store.catalog(key))
        if section not in opened.sections():
            known = ", ".join(f"{key}/{each}" for each in opened.sections()) or "none"
            raise CatalogNotFound(f'There is no catalog "{key}/{section}"; known for this key: {known}.')
        return opened, section

    def catalog_name(self, named: str | None) -> tuple[str, str]:
        """Key and section of a catalog that was named, or of the only one there is."""
        if named is not None:
            return parse_catalog(named)
        found = self.catalogs()
        if len(found) == 1:
            return found[0]
        if not found:
            raise CatalogNotFound(
                f"The store {self.store.root} holds no catalog yet.",
                hints=[{"text": "Load one", "argv": ["feedengine", "sync", "FILE", "--create"]}],
            )
        shown = ", ".join("/".join(each) for each in found[:5])
        raise UsageError(f"The store holds {len(found)} catalogs ({shown}); say which with --catalog key/section.")

    def catalogs(self) -> list[tuple[str, str]]:
        """Every key and section of the store."""
        found = []
        for key in self.store.keys():  # noqa: SIM118 - a method of the store, not of a dict
            with self.store.catalog(key) as opened:
                found += [(key, section) for section in opened.sections()]
        return found

    def confirm(self, question: str) -> None:
        """Ask before something that is hard to take back; --yes answers. Raises UsageError where nobody can answer."""
        import sys

        if self.options.yes:
            return
        if not sys.stdin.isatty() or self.out.machine:
            raise UsageError(f"{question} Nobody is there to answer: add --yes.", state="Nothing was changed.")
        self.out.stderr.write(f"{question} [y/N] ")
        self.out.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise UsageError("Not confirmed.", state="Nothing was changed.", code="NOT_CONFIRMED")


def parse_catalog(named: str) -> tuple[str, str]:
    """Key and section of `key/section`. Raises UsageError."""
    key, slash, section = named.partition("/")
    if not slash or not key or not section:
        raise UsageError(f'--catalog wants key/section, for example key_7AeG/Products; not "{named}".')
    return key, section


def check_entity(entity: str, known: Iterable[str]) -> None:
    """Raise UsageError for an entity that does not exist."""
    if entity not in known:
        raise UsageError(f'--entity must be one of {", ".join(known)}; not "{entity}".')


def as_document(value: Any) -> dict[str, Any]:
    """A report, a snapshot or a task as a plain dict."""
    if isinstance(value, Mapping):
        return dict(value)
    found: dict[str, Any] = value.as_dict()
    return found
