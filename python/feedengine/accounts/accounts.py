"""The accounts of a store: checked at every login, changed by commands; safe for many threads and processes."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedengine.accounts import homes, networks, password, sshkey
from feedengine.accounts.account import Account
from feedengine.accounts.entry import Entry, sound
from feedengine.accounts.file import AccountsFile
from feedengine.accounts.remembered import Proof, Remembered
from feedengine.errors import Hint, NotFound, UsageError

_STATE = "Nothing was changed."


@dataclass(frozen=True)
class Verdict:
    """What came of a login: the account, or None and why: unknown, password, key, disabled, address.

    `why` is for our log and for bans; the peer is told the same in every case.
    """

    account: Account | None
    why: str = ""


class Accounts:
    """Who may log in. `root` is the store's folder; `clock` gives seconds since 1970.

    Everything raises `StoreDamaged` where `accounts.json` can't be understood: then nobody gets in.
    """

    def __init__(
        self,
        root: Path,
        *,
        remember: float = 300.0,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = AccountsFile(root / "accounts.json")
        self._homes = root / "homes"
        self._clock = clock
        self._remembered = Remembered(remember, ticks)

    # Looking

    def every(self) -> tuple[Entry, ...]:
        """Every account by name."""
        entries = self._file.entries()
        return tuple(entries[name] for name in sorted(entries))

    def get(self, name: str) -> Entry:
        """One account. Raises `NotFound`."""
        entry = self._file.entries().get(homes.login(name))
        if entry is None:
            raise _unknown(name, self._file.entries())
        return entry

    def find(self, name: str) -> Account | None:
        """The account as it is now, None where it is gone or disabled: what a running session asks for."""
        entry = self._file.entries().get(_plain(name))
        return entry.account if entry is not None and not entry.account.disabled else None

    def home(self, account: Account) -> Path:
        """Its folder, made if it isn't there."""
        folder = self._homes / homes.chosen(account.home)
        if not folder.is_dir():
            self._homes.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    # Logging in

    def check(self, name: str, given: str, peer: str | None) -> Account | None:
        """The account, if the password is right and it may come from this address.

        Takes tens of milliseconds and 16 MiB: never on an event loop.
        """
        return self.verdict(name, given, peer).account

    def verdict(self, name: str, given: str, peer: str | None) -> Verdict:
        """As `check`, with the reason. Unknown names take the time of known ones."""
        entries = self._file.entries()
        entry = entries.get(_plain(name))
        now = self._clock()
        if entry is None:
            password.matching(given, _stand_in(name, entries, now))
            return Verdict(None, "unknown")
        valid = tuple(each for each in entry.passwords if each.valid(now))
        proof: Proof = (entry.account.name, *(each.digest for each in valid))
        if not self._remembered.holds(proof, given):
            found = password.matching(given, valid or (_NOBODY,))
            if found is None:
                return Verdict(None, "password")
            self._remembered.keep(proof, given, None if found.until is None else found.until - now)
        return _admitted(entry.account, peer)

    def at_once(self, name: str, given: str, peer: str | None) -> Account | None:
        """The account, if this very login was right not long ago: quick. None says nothing: ask `verdict`."""
        entry = self._file.entries().get(_plain(name))
        if entry is None:
            return None
        now = self._clock()
        proof: Proof = (entry.account.name, *(each.digest for each in entry.passwords if each.valid(now)))
        return _admitted(entry.account, peer).account if self._remembered.holds(proof, given) else None

    def verdict_for_key(self, name: str, data: bytes, peer: str | None) -> Verdict:
        """Whether a public key (as SSH sends it) belongs to the account; its owner is proven by SSH itself."""
        entry = self._file.entries().get(_plain(name))
        if entry is None:
            return Verdict(None, "unknown")
        if not any(each.data == data for each in entry.keys):
            return Verdict(None, "key")
        return _admitted(entry.account, peer)

    # Changing

    def add(
        self, name: str, *, given: str | None = None, home: str | None = None, by: str = "", **more: Any
    ) -> tuple[Entry, str]:
        """Make an account; gives it and its password, which is generated unless `given`. Raises `UsageError`.

        `more` are fields of `Account`. A home that another account has must be asked for by name.
        """
        name = homes.login(name)
        secret = _acceptable(given) if given is not None else password.generate()
        folder = homes.folder(name) if home is None else homes.chosen(home)
        account = _sound(Account(name, folder, **more))
        made = Entry(account, (password.make(secret),), (), _iso(self._clock()), by)
        with self._file.change() as entries:
            for other in entries.values():
                if other.account.name.casefold() == name.casefold():
                    raise UsageError(f'There is an account "{other.account.name}" already.', state=_STATE)
                if home is None and other.account.home.casefold() == folder.casefold():
                    raise UsageError(
                        f'The folder of "{name}" is the home of "{other.account.name}".',
                        state=_STATE,
                        hints=[Hint(f"Share it on purpose with --home '{other.account.home}', or choose another")],
                    )
            self.home(account)
            entries[name] = made
        return made, secret

    def change(self, name: str, **fields: Any) -> Entry:
        """Set fields of an account (keys, may, quota, disabled...). Raises `NotFound`, `UsageError`."""
        with self._changing(name) as (entry, put):
            made = replace(entry, account=_sound(replace(entry.account, **fields)))
            put(made)
        return made

    def set_password(self, name: str, given: str | None = None, *, keep_old: float = 0.0) -> str:
        """Give a new password, generated unless `given`; the one before stays valid for `keep_old` seconds."""
        secret = _acceptable(given) if given is not None else password.generate()
        now = self._clock()
        with self._changing(name) as (entry, put):
            kept: tuple[password.Hash, ...] = ()
            before = [each for each in entry.passwords if each.valid(now)]
            if keep_old > 0 and before:
                # Never three: of two that are valid the newest is kept, and none is prolonged.
                last = max(before, key=lambda each: float("inf") if each.until is None else each.until)
                kept = (replace(last, until=min(now + keep_old, last.until or float("inf"))),)
            put(replace(entry, passwords=(password.make(secret, kept[0] if kept else None), *kept)))
        return secret

    def add_key(self, name: str, text: str) -> sshkey.PublicKey:
        """Let a public SSH key log in. Raises `UsageError` for what is none."""
        key = sshkey.parse(text)
        with self._changing(name) as (entry, put):
            if any(each.data == key.data for each in entry.keys):
                raise UsageError(f"The account has the key {key.fingerprint} already.", state=_STATE)
            put(replace(entry, keys=(*entry.keys, key)))
        return key

    def remove_key(self, name: str, fingerprint: str) -> None:
        """Take a public key away by its fingerprint. Raises `NotFound`."""
        with self._changing(name) as (entry, put):
            left = tuple(each for each in entry.keys if each.fingerprint != fingerprint)
            if len(left) == len(entry.keys):
                known = ", ".join(each.fingerprint for each in entry.keys) or "none"
                raise NotFound(f"The account has no key {fingerprint}; it has {known}.", state=_STATE)
            put(replace(entry, keys=left))

    def remove(self, name: str) -> Entry:
        """Take an account away; its home stays. Raises `NotFound`."""
        with self._file.change() as entries:
            entry = entries.pop(homes.login(name), None)
            if entry is None:
                raise _unknown(name, entries)
        return entry

    @contextmanager
    def _changing(self, name: str) -> Iterator[tuple[Entry, Callable[[Entry], None]]]:
        with self._file.change() as entries:
            entry = entries.get(homes.login(name))
            if entry is None:
                raise _unknown(name, entries)
            yield entry, lambda made: entries.__setitem__(made.account.name, made)


# Compared with for accounts that have no valid password, and before there are any: nothing has this digest.
_NOBODY = password.Hash(b"no such account!", b"\0" * 32)


def _stand_in(name: str, entries: dict[str, Entry], now: float) -> tuple[password.Hash, ...]:
    """Hashes of another account, always the same for one name, so that an unknown name takes the time of a known one.

    What comes of the comparison is thrown away.
    """
    if not entries:
        return (_NOBODY,)
    names = sorted(entries)
    other = entries[names[zlib.crc32(name.encode("utf-8", "surrogatepass")) % len(names)]]
    return tuple(each for each in other.passwords if each.valid(now)) or (_NOBODY,)


def _plain(name: str) -> str:
    try:
        return homes.login(name)
    except UsageError:
        return ""


def _admitted(account: Account, peer: str | None) -> Verdict:
    if account.disabled:
        return Verdict(None, "disabled")
    if account.from_addresses and not networks.inside(peer, account.from_addresses):
        return Verdict(None, "address")
    return Verdict(account)


def _sound(account: Account) -> Account:
    try:
        return sound(account)
    except ValueError as error:
        text = str(error)
        raise UsageError(f"{text[:1].upper()}{text[1:]}.", state=_STATE) from None


def _acceptable(given: str) -> str:
    if not password.LEAST <= len(given) <= password.MOST or not given.isprintable():
        raise UsageError(
            f"A password has {password.LEAST} to {password.MOST} printable characters.",
            state=_STATE,
            hints=["Without --password-stdin a good one is made for you"],
        )
    return given


def _unknown(name: str, entries: dict[str, Entry]) -> NotFound:
    from difflib import get_close_matches

    close = get_close_matches(name, list(entries), 1, 0.6)
    meant = f'; did you mean "{close[0]}"?' if close else "."
    return NotFound(
        f'There is no account "{name}"{meant}',
        state=_STATE,
        hints=[Hint("All accounts", ("feedengine", "user", "list"))],
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
