"""Accounts: who may log in, with which password, who is banned for guessing; knows no network.

Importing it is cheap: scrypt and JSON are loaded when accounts are opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine.accounts.account import Account

if TYPE_CHECKING:
    from feedengine.accounts.accounts import Accounts, Verdict
    from feedengine.accounts.bans import Bans
    from feedengine.accounts.door import Door

__all__ = ["Account", "Accounts", "Bans", "Door", "Verdict"]

_HOMES = {"Accounts": "accounts", "Verdict": "accounts", "Bans": "bans", "Door": "door"}


def __getattr__(name: str) -> Any:
    """The rest on first use."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"feedengine.accounts.{_HOMES[name]}"), name)
    raise AttributeError(name)
