"""What all sessions of the FTPS server share: options, landing, ports, threads, limits, counters, the log."""

from __future__ import annotations

import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from feedengine.accounts import Account, Verdict
from feedengine.transport.ftps.backstage import Backstage
from feedengine.transport.ftps.data import AT_ONCE
from feedengine.transport.ftps.masquerade import Masquerade
from feedengine.transport.ftps.options import Options
from feedengine.transport.ftps.passive import Ports
from feedengine.transport.ftps.tls import Certificates
from feedengine.transport.landing import Landing
from feedengine.transport.reception import Refused

if TYPE_CHECKING:
    from feedengine.transport.ftps.session import Session


class Door(Protocol):
    """Who may log in; `accounts.Door` is one."""

    def enter(self, name: str, password: str, peer: str) -> Verdict:
        """Check a password; slow, on a thread."""

    def at_once(self, name: str, password: str, peer: str) -> Account | None:
        """The account, if this login was right a moment ago: quick; None says nothing."""

    def banned(self, peer: str) -> float:
        """Seconds for which an address is not answered, 0 = it is."""

    def current(self, account: Account) -> Account | None:
        """The account as it is now; None where it is gone or disabled."""


class Log(Protocol):
    """Where events go; `service.part.Log` is one."""

    def __call__(self, event: str, *, level: str = "info", **facts: Any) -> None: ...


class Hall:
    """Made once per server. Everything but `log` and `landing` is touched by the loop's thread only."""

    def __init__(self, loop: Any, options: Options, door: Door, landing: Landing, log: Log) -> None:
        self.loop = loop
        self.options = options
        self.door = door
        self.landing = landing
        self.log = log
        self.buffer = memoryview(bytearray(AT_ONCE))
        self.sessions: set[Session] = set()
        self.addresses: Counter[str] = Counter()
        self.accounts: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.draining = False
        self.certificates = Certificates(options.certificate, options.key, options.tls_min, options.session_reuse)
        self.backstage = Backstage(loop, options.checkers)
        self.ports = Ports(loop, options.host, options.passive_ports, self._foreign, options.behind)
        self.masquerade = Masquerade(options.masquerade, self.backstage)

    def full(self, address: str) -> str:
        """Why nobody more from this address is let in; empty where somebody is."""
        most, each = self.options.max_sessions, self.options.max_per_address
        if self.draining:
            return "The server is about to stop; try again in a minute"
        if most and len(self.sessions) >= most:
            return "Too many sessions; try again later"
        if each and self.addresses[address] >= each:
            return "Too many sessions from your address; try again later"
        if self.door.banned(address) > 0:
            return "Too many failed logins from your address; try again later"
        return ""

    def enter(self, session: Session) -> None:
        """Count a session."""
        self.sessions.add(session)
        self.addresses[session.peer] += 1
        self.counts["connections"] += 1

    def leave(self, session: Session) -> None:
        """Count it no more."""
        if session in self.sessions:
            self.sessions.discard(session)
            _down(self.addresses, session.peer)
            if session.account is not None:
                _down(self.accounts, session.account.name)

    def still(self, account: Account) -> Account:
        """The account as it is now. Raises `Refused`; to be called on a thread."""
        now = self.door.current(account)
        if now is None:
            raise Refused("the account was disabled")
        return now

    def fault(self, where: str) -> None:
        """Write down the exception at hand: a mistake of ours. Nothing of it goes to the peer."""
        self.counts["faults"] += 1
        self.log("ftps.fault", level="error", where=where, trace=traceback.format_exc(limit=-6))

    def status(self) -> dict[str, Any]:
        """Numbers for operators."""
        moving = sum(1 for each in self.sessions if each.transferring)
        return {
            "sessions": len(self.sessions),
            "transfers": moving,
            "passive_waited": self.ports.waited,
            "passive_foreign": self.ports.refused,
            "passive_missing": self.ports.missing,
            "logins_waiting": self.backstage.doors_waiting,
            **{name: self.counts[name] for name in sorted(self.counts)},
        }

    def _foreign(self, address: str, port: int) -> None:
        self.log("ftps.foreign_data", level="warning", peer=address, port=port)


def _down(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
