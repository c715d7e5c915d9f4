"""What `[exports.NAME]` and `[intake."key/section"]` may say: records sent as they come, files taken by schedule."""

from __future__ import annotations

from typing import Any

from feedengine.settings import kinds, times
from feedengine.settings.setting import REQUIRED, Key


def _catalog(raw: Any) -> str:
    """`key/section`."""
    text = kinds.text(raw)
    key, _, section = text.partition("/")
    if not key or not section:
        raise ValueError(f"must be key/section; not {kinds.shown(raw)}")
    return text


def _by_entity(kind: kinds.Kind, example: str) -> kinds.Kind:
    """A list of texts that each begin with an entity: gives pairs of entity and what follows, read by `kind`."""

    def parse(raw: Any) -> list[tuple[str, Any]]:
        pairs = []
        for each in kinds.texts(raw):
            entity, _, rest = each.strip().partition(" ")
            try:
                pairs.append((entity, kind(rest.strip())))
            except ValueError as error:
                raise ValueError(f'must be a list such as ["{example}"]: {entity} {error}') from None
        return pairs

    return parse


#: Keys of `[exports.NAME]`.
EXPORTS: tuple[Key, ...] = (
    Key("catalog", _catalog, REQUIRED, "key/section of the catalog whose records are sent"),
    Key("export", kinds.text, "", "which [exports.NAME] of its profile; empty = the one of the same name"),
    Key(
        "enabled", kinds.flag, True, "false: nothing is sent; what was created meanwhile is sent when it is true again"
    ),
    Key("target", kinds.text, "", "where to: a name of [targets], a URL of a folder of this machine"),
    Key("account", kinds.text, "", "where to: an account here, below /export of its home; either this or target"),
    Key(
        "existing", kinds.choice("send", "skip"), "send", "records that were there before the export: send or skip them"
    ),
    Key("flat", kinds.flag, False, "files beside each other, without a folder for each record"),
    Key("late_after", kinds.duration(), 300.0, "alarm when a record waits for so long (5m); 0 = never"),
)

#: Keys of `[intake."key/section"]`.
INTAKE: tuple[Key, ...] = (
    Key("entities", kinds.texts, [], "entities that are taken; files of others fail. Empty = all of the profile"),
    Key(
        "schedules",
        _by_entity(times.schedule, "products 24h"),
        [],
        'when files are taken: ["products 0 2 * * *", "inventory 30m"]; an entity that is not named: at once',
    ),
    Key("time_zone", times.time_zone, "UTC", "time zone of schedules"),
    Key(
        "stale_after",
        _by_entity(kinds.duration(1), "inventory 2h"),
        [],
        'alarm when no file came for so long: ["inventory 2h"]; otherwise by the profile\'s cadence',
    ),
)
