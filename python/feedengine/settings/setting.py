"""What a setting is: a row of the tables under `tables`, or a key of a named table such as `[sources.NAME]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feedengine.settings.kinds import Kind


@dataclass(frozen=True)
class Setting:
    """One setting. `per_catalog` ones may be given again under `[catalogs."key/section".<table>]`."""

    table: str
    name: str
    kind: Kind
    default: Any
    about: str
    per_catalog: bool = False

    @property
    def dotted(self) -> str:
        """`table.name`, as messages and `config show` print it."""
        return f"{self.table}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        short = _SHORT_VARIABLES.get(self.dotted)
        return "FEEDENGINE_" + (short or f"{self.table}_{self.name}".upper())


# The ones set most often have names without their table.
_SHORT_VARIABLES = {
    "store.path": "STORE",
    "engine.memory_limit": "MEMORY_LIMIT",
    "engine.threads": "THREADS",
    "engine.temp_dir": "TEMP_DIR",
}


@dataclass(frozen=True)
class Key:
    """A key of a named table. `default` is used where the key is missing; `REQUIRED` means that it must be there."""

    name: str
    kind: Kind
    default: Any
    about: str


#: The default of a key that must be given.
REQUIRED: Any = object()
