"""A merge under way: its steps are kept before the first one is carried out, so that one that was cut short goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from feedengine.errors import FeedEngineError
from feedengine.faults import point
from feedengine.remedy.duplicates import Step
from feedengine.remedy.feeds import sync

if TYPE_CHECKING:
    from feedengine.store import Store
    from feedengine.store.catalog import Catalog


class Merging:
    """The merge of one record of a catalog's entity into another one."""

    def __init__(self, store: Store, catalog: str, entity: str, keep: str, gone: str) -> None:
        said = json.dumps([catalog, entity, keep, gone], ensure_ascii=False)
        name = hashlib.blake2b(said.encode(), digest_size=12).hexdigest()
        self._path = store.root / "merges" / f"{name}.json"
        self._about = {"catalog": catalog, "entity": entity, "keep": keep, "gone": gone}

    def begun(self) -> list[Step] | None:
        """What is still to be done of a merge that was cut short; None where there is none."""
        if not self._path.exists():
            return None
        kept = json.loads(self._path.read_bytes())["steps"]
        return [Step(Path(each["path"]), each["operation"], each["said"]) for each in kept]

    def carry_out(self, steps: list[Step], run: Callable[[Step], dict[str, object]]) -> Iterator[dict[str, object]]:
        """Do the steps one by one with `run`, and give what it gives. Whatever dies in between, `begun` knows the rest:
        a step that was done, and not noted, may be done again."""
        fresh = not self._path.exists()
        if fresh:
            steps = [self._moved(step, number) for number, step in enumerate(steps)]
        for number in range(len(steps)):
            self._keep(steps[number:])
            point("merge.kept")
            try:
                yield run(steps[number])
            except FeedEngineError:
                if number == 0 and fresh:
                    # Nothing was changed, so there is nothing to go on with.
                    self._forget()
                raise
            point("merge.done")
        self._forget()
        point("merge.ended")

    def _moved(self, step: Step, number: int) -> Step:
        """The step with its feed where nobody tidies up."""
        self._path.parent.mkdir(exist_ok=True)
        path = self._path.with_name(f"{self._path.stem}-{number}{step.path.suffix}")
        step.path.replace(path)
        step.path.parent.rmdir()
        return replace(step, path=path)

    def _forget(self) -> None:
        self._path.unlink(missing_ok=True)
        sync(self._path.parent)
        for feed in self._path.parent.glob(f"{self._path.stem}-*"):
            feed.unlink(missing_ok=True)

    def _keep(self, steps: list[Step]) -> None:
        part = self._path.with_suffix(f".{os.urandom(4).hex()}.part")
        kept = [{"path": str(step.path), "operation": step.operation, "said": step.said} for step in steps]
        with part.open("x", encoding="utf-8") as out:
            json.dump({**self._about, "steps": kept}, out, ensure_ascii=False)
            out.flush()
            os.fsync(out.fileno())
        part.replace(self._path)
        sync(self._path.parent)


def again(catalog: Catalog, section: str, entity: str, gone: str, steps: list[Step]) -> list[Step]:
    """The steps of a merge that was cut short, as they may be done again: what is done, or gone by now, is no fault."""
    lookup = catalog.lookup(section, entity)
    there = bool(lookup and lookup.records([gone]))
    careful = {"patchdelta": "patchdeltaignore"}
    return [
        replace(step, operation=careful.get(step.operation, step.operation))
        for step in steps
        if there or step.operation != "delete"
    ]
