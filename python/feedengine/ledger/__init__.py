"""The task ledger: what was asked, when, by whom, what came of it; SQLite, readable while a task runs."""

from feedengine.ledger.ledger import Ledger
from feedengine.ledger.queue import Queue
from feedengine.ledger.task import PROBLEM_COLUMNS, Task, TaskPage

__all__ = ["PROBLEM_COLUMNS", "Ledger", "Queue", "Task", "TaskPage"]
