"""The door that every server has: is this address banned, who is this, and what is counted against whom."""

from __future__ import annotations

from pathlib import Path

from feedengine.accounts.account import Account
from feedengine.accounts.accounts import Accounts, Verdict
from feedengine.accounts.bans import Bans
from feedengine.settings import Settings


class Door:
    """Accounts and bans together. Safe for several threads; `enter` takes tens of milliseconds, the rest is quick."""

    def __init__(self, accounts: Accounts, bans: Bans) -> None:
        self.accounts = accounts
        self.bans = bans

    @classmethod
    def of(cls, root: Path, settings: Settings) -> Door:
        """The door of a store, as the settings want it."""
        get = settings.get
        accounts = Accounts(root, remember=float(get("accounts.remember")))
        bans = Bans(
            root / "run" / "bans.json",
            threshold=float(get("accounts.ban_score")),
            window=float(get("accounts.ban_window")),
            seconds=float(get("accounts.ban_time")),
            never=get("accounts.never_ban"),
        )
        return cls(accounts, bans)

    def enter(self, name: str, password: str, peer: str) -> Verdict:
        """Check a password, count what came of it. Never on an event loop. Raises `StoreDamaged`."""
        verdict = self.accounts.verdict(name, password, peer)
        if verdict.account is None:
            self.bans.failed(peer, verdict.why)
        else:
            self.bans.passed(peer)
        return verdict

    def at_once(self, name: str, password: str, peer: str) -> Account | None:
        """The account, if this very login was right not long ago; quick, so an event loop may ask. None: `enter`."""
        account = self.accounts.at_once(name, password, peer)
        if account is not None:
            self.bans.passed(peer)
        return account

    def enter_with_key(self, name: str, data: bytes, peer: str) -> Verdict:
        """Check whether a public key may log in; call `bans.passed` once its owner has proven to have it.

        A key that is not known is counted little: SSH clients try all they have.
        """
        verdict = self.accounts.verdict_for_key(name, data, peer)
        if verdict.account is None:
            self.bans.failed(peer, "key")
        return verdict
