"""The main job, in one direction: read -> identify -> plan -> guard -> commit -> ledger.

`plan` decides and writes nothing; `apply` commits a plan; `run` does both for one ledger task. Dry run and real run are
the same code up to the commit.
"""

from feedengine.ingest.carrying import NOT_FOLLOWED, carry_out, close_done, informed
from feedengine.ingest.model import Plan, Result, Watch
from feedengine.ingest.planning import plan
from feedengine.ingest.running import applied, approve, own_request, recover, release, run, run_planned
from feedengine.ingest.writing import apply
from feedengine.target import FeedRequest

__all__ = [
    "NOT_FOLLOWED",
    "FeedRequest",
    "Plan",
    "Result",
    "Watch",
    "applied",
    "apply",
    "approve",
    "carry_out",
    "close_done",
    "informed",
    "own_request",
    "plan",
    "recover",
    "release",
    "run",
    "run_planned",
]
