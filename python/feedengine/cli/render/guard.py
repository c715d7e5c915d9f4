"""A back-test of limits as text: how many feeds each would have refused, the first of them, and what suits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedengine.cli.render import text

_SHOWN = 3


def backtest(document: Mapping[str, Any]) -> list[str]:
    """One line a limit, then the limit that is set and the one that is proposed."""
    feeds = int(document["feeds"])
    if not feeds:
        return ["no feed has met records that it could have removed"]
    rows = [("limit", "refused", "of", "which")]
    for each in document["limits"]:
        refused = each["refused"]
        named = [f"{loss['time'][:10]} task {loss['task']} −{loss['lost']:,} {loss['entity']}" for loss in refused]
        more = [f"{len(named) - _SHOWN} more"] if len(named) > _SHOWN else []
        rows.append((text.limit_words(each["limit"]), str(len(refused)), str(feeds), ", ".join(named[:_SHOWN] + more)))
    limits = {entity: text.limit_words(limit) for entity, limit in document["held_to"].items()}
    same = len(set(limits.values())) == 1
    held = ", ".join(set(limits.values()) if same else (f"{limit} of {entity}" for entity, limit in limits.items()))
    lines = [*text.table(rows, right=(1, 2)), "", f"the last feeds were held to: {held}"]
    if document["proposal"]:
        room = "which leaves room above every feed that was applied without force"
        lines.append(f"proposal: {document['proposal']}, {room}")
    return lines
