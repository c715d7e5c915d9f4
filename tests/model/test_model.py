"""What must hold of the model itself, for any upload."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given

from model.apply import Outcome, apply
from model.read import read
from model.settings import Settings
from model.state import State
from model.write import write
from properties.strategies import Upload, uploads


def run(state: State, upload: Upload, **changes: object) -> Outcome:
    """The model's answer, through files."""
    options = {"force": upload.force, "settings": upload.rules, **changes}
    with tempfile.TemporaryDirectory() as folder:
        feed = read(write(Path(folder) / "feed.tar.gz", upload.feeds), upload.rules)
    return apply(state, "Products", feed, upload.operation, **options)


@given(uploads(("sync",)), uploads())
def test_counts_balance_and_nothing_is_changed_in_place(first: Upload, second: Upload) -> None:
    state = run(State(), first, force=True).state
    kept = copy.deepcopy(state)
    outcome = run(state, second)
    assert state == kept
    for one in outcome.counts.values():
        ways = ("added", "changed", "unchanged", "rejected", "ignored", "listed")
        if outcome.verdict in ("apply", "no_change") and one["rows"]:
            assert one["rows"] == sum(one[name] for name in ways), one
        assert one["after"] == one["before"] + one["added"] - one["removed"]
    if outcome.verdict in ("invalid", "refused", "no_change"):
        assert outcome.state == state


@given(uploads(("sync",)), uploads(("sync",)))
def test_a_sync_forgets_what_was_there_and_the_second_time_changes_nothing(first: Upload, second: Upload) -> None:
    rules = Settings(cascade=second.rules.cascade)
    over = run(run(State(), first, force=True).state, second, force=True, settings=rules)
    if over.verdict == "invalid":
        return
    again = run(over.state, second, force=True, settings=rules)
    assert again.verdict == "no_change" or not rules.cascade
    for entity in second.feeds:
        fresh = run(State(), replace(second, feeds={entity: second.feeds[entity]}), force=True, settings=rules)
        if fresh.verdict == "apply":
            assert over.state.table("Products", entity) == fresh.state.table("Products", entity)


@given(uploads(("sync",)), uploads())
def test_force_changes_only_refusals(first: Upload, second: Upload) -> None:
    state = run(State(), first, force=True).state
    plain, forced = run(state, second, force=False), run(state, second, force=True)
    assert plain.counts == forced.counts and plain.codes() == forced.codes()
    if plain.verdict not in ("refused", "held"):
        assert plain.verdict == forced.verdict and plain.state == forced.state
