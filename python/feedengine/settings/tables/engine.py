"""Settings of the engine itself: store, memory, rules, limits, safeguard."""

from __future__ import annotations

from typing import Any

from feedengine.settings import kinds
from feedengine.settings.kinds import Kind
from feedengine.settings.setting import Setting

LEAST_MEMORY = 256 * 2**20


def _rule(name: str, kind: Kind, default: Any, about: str) -> Setting:
    return Setting("rules", name, kind, default, about, per_catalog=True)


def _guard(name: str, kind: Kind, default: Any, about: str) -> Setting:
    return Setting("safeguard", name, kind, default, about, per_catalog=True)


def _limit(name: str, kind: Kind, default: Any, about: str) -> Setting:
    return Setting("limits", name, kind, default, about, per_catalog=True)


ROWS: tuple[Setting, ...] = (
    Setting("store", "path", kinds.text, "feedengine-store", "directory of the store, relative to this file"),
    Setting("store", "busy_wait", kinds.whole(0, 86400), 60, "seconds to wait while another process writes a catalog"),
    Setting(
        "engine",
        "memory_limit",
        kinds.size(LEAST_MEMORY),
        2**30,
        "memory a run may use, at least 256MiB; less is slower",
    ),
    Setting("engine", "threads", kinds.whole(0, 256), 0, "threads; 0 = one per core"),
    Setting("engine", "temp_dir", kinds.optional_text, None, "directory for spilled data; empty = inside the store"),
    Setting("engine", "block_bytes", kinds.whole(0, 2**28), 0, "bytes read at a time; 0 = chosen by the engine"),
    _rule("profile", kinds.text, "constructor", "what feeds are: a profile that ships with the engine, or a file"),
    _rule(
        "patch_null", kinds.choice("ignore", "clear"), "ignore", "JSON null in a patch: leave the field, or clear it"
    ),
    _rule("duplicates", kinds.choice("last", "fail"), "last", "an id twice in one file: the last row wins, or fail"),
    _rule("orphan_variations", kinds.choice("fail", "skip"), "fail", "a variation whose item is unknown"),
    _rule("unknown_groups", kinds.choice("warn", "fail"), "warn", "an item that names a group that does not exist"),
    _rule("several_roots", kinds.choice("warn", "fail"), "warn", "more than one group without a parent"),
    _rule("cascade", kinds.flag, True, "removing an item removes its variations"),
    _rule("delete_unknown", kinds.choice("warn", "fail"), "warn", "delete of an id that is not stored"),
    _rule("deactivation_counts", kinds.flag, True, "setting active=false counts as a removal for the safeguard"),
    _rule(
        "denominator", kinds.choice("active", "all"), "active", "what removals are a share of: active records or all"
    ),
    _rule("rows", kinds.choice("fail", "reject"), "fail", "a bad row fails the file, or is rejected by itself"),
    _rule(
        "max_rejected", kinds.limit, "100%", "with rows=reject: more rejected rows (a share or a number) fail the file"
    ),
    _rule("reject_stale", kinds.flag, False, "refuse a file whose timestamp is older than the last applied sync"),
    _rule("unknown_section", kinds.choice("fail", "create"), "fail", "a feed for a section that is not known yet"),
    _rule("split_metadata", kinds.texts, [], "metadata columns whose values are split on pipes"),
    _rule("short_rows", kinds.choice("warn", "fail"), "warn", "a CSV row with fewer cells than the header"),
    _rule(
        "single_file",
        kinds.choice("sniff", "items"),
        "sniff",
        "a single file: tell the entity by its columns, or items",
    ),
    _limit("max_record_bytes", kinds.size(1024), 16 * 2**20, "largest single record"),
    _limit("max_columns", kinds.whole(1, 100_000), 4096, "most columns of one file"),
    _limit("max_expansion", kinds.whole(1, 1_000_000), 1000, "most times an archive may grow when unpacked"),
    _limit("listed_problems", kinds.whole(1, 1_000_000), 100, "problems listed per entity; all are counted"),
    _guard("limit", kinds.limit, "50%", 'removals beyond this stop the feed: a share ("50%"), rows ("20000") or "off"'),
    _guard("warn", kinds.limit, "10%", "removals beyond this are pointed out"),
    _guard("items", kinds.optional_limit, None, "another limit for items; empty = limit"),
    _guard("variations", kinds.optional_limit, None, "another limit for variations; empty = limit"),
    _guard("item_groups", kinds.optional_limit, None, "another limit for item groups; empty = limit"),
    _guard("entities", kinds.limits, {}, 'limits for any entity, by name: {products = "20%", inventory = "off"}'),
    _guard(
        "on_block", kinds.choice("refuse", "hold"), "refuse", "refuse the whole feed, or apply all but the removals"
    ),
    _guard(
        "force_from",
        kinds.texts,
        [],
        'who may skip the safeguard with force: logins, or "persons" (all but role accounts); empty = anybody',
    ),
    _guard("force_held", kinds.flag, False, "force only for what was stopped before, with the same content and count"),
    _guard("segments", kinds.segments, [], 'guards per value of a column: [{column = "facet:Brand", limit = "80%"}]'),
    _guard("values", kinds.value_guards, [], 'guards on values: [{column = "metadata:price", zero_share = "5%"}]'),
    _guard(
        "must_exist",
        kinds.must_exist,
        [],
        'lists of ids of which few may go: [{file = "sellers.csv", limit = "2%"}], the file relative to this one',
    ),
)
