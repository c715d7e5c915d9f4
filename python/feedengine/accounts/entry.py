"""What is kept of an account: the account, its passwords' hashes, its public keys; to and from JSON, strictly."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from feedengine.accounts import homes, networks
from feedengine.accounts.account import Account
from feedengine.accounts.password import Cost, Hash
from feedengine.accounts.sshkey import PublicKey, parse
from feedengine.errors import FeedEngineError

_LETTERS = set("lrwdnm")
# Up to a gigabyte for one check; more is damage.
_N = {2**power for power in range(10, 21)}
_TLS_EOF = ("", "strict", "verify", "lenient")


@dataclass(frozen=True)
class Entry:
    """One account with what proves who it is. `created` is UTC in ISO 8601, `by` who made it."""

    account: Account
    passwords: tuple[Hash, ...] = ()
    keys: tuple[PublicKey, ...] = ()
    created: str = ""
    by: str = ""

    def __repr__(self) -> str:
        return f"Entry({self.account.name!r})"


def sound(account: Account) -> Account:
    """The account itself. Raises ValueError for a value that makes no sense."""
    if not account.may or set(account.may) - _LETTERS:
        raise ValueError(f'permissions are letters of "lrwdnm"; not "{account.may}"')
    if account.tls_eof not in _TLS_EOF:
        raise ValueError(f'tls_eof is strict, verify, lenient or empty; not "{account.tls_eof}"')
    if account.quota < 0 or account.most_connections < 0:
        raise ValueError("quota and connections are not negative")
    for each in account.from_addresses:
        try:
            networks.network(each)
        except ValueError:
            raise ValueError(f'"{each}" is neither an address nor a network such as 192.0.2.0/24') from None
    for each in account.mail:
        if "@" not in each or not each.isprintable() or " " in each:
            raise ValueError(f'"{each}" is not a mail address')
    return account


def to_json(entry: Entry) -> dict[str, Any]:
    """As it is kept in the file."""
    return {
        "account": asdict(entry.account),
        "passwords": [
            {
                "scrypt": [each.cost.n, each.cost.r, each.cost.p],
                "salt": base64.b64encode(each.salt).decode(),
                "digest": base64.b64encode(each.digest).decode(),
                "until": each.until,
            }
            for each in entry.passwords
        ],
        "keys": [each.line for each in entry.keys],
        "created": entry.created,
        "by": entry.by,
    }


def from_json(found: Any) -> Entry:
    """What `to_json` made. Raises ValueError for anything else: a damaged file must not let anybody in."""
    try:
        account = sound(_account(found["account"]))
        passwords = tuple(_hash(each) for each in found["passwords"])
        keys = tuple(parse(each) for each in found["keys"])
        return Entry(account, passwords, keys, str(found["created"]), str(found["by"]))
    except (KeyError, TypeError, FeedEngineError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _account(found: Mapping[str, Any]) -> Account:
    kinds = {each.name: each.type for each in fields(Account)}
    if set(found) != set(kinds):
        raise ValueError(f"an account has {', '.join(sorted(set(found) ^ set(kinds)))} too much or too little")
    values: dict[str, Any] = {}
    for name, kind in kinds.items():
        value: Any = found[name]
        wanted: Any = {"str": str, "int": int, "bool": bool}.get(str(kind), list)
        if type(value) is not wanted or (wanted is list and not all(isinstance(each, str) for each in value)):
            raise ValueError(f"{name} of an account is {value!r}")
        values[name] = tuple(value) if wanted is list else value
    if homes.login(values["name"]) != values["name"] or homes.chosen(values["home"]) != values["home"]:
        raise ValueError("an account's name or home is not in its right form")
    return Account(**values)


def _hash(found: Mapping[str, Any]) -> Hash:
    n, r, p = found["scrypt"]
    salt, digest = (base64.b64decode(found[name], validate=True) for name in ("salt", "digest"))
    until = found["until"]
    # An empty digest would be equal to an empty digest.
    if len(salt) < 8 or len(digest) != 32:
        raise ValueError("a password's hash is damaged")
    if (
        not all(type(each) is int for each in (n, r, p))
        or n not in _N
        or r not in range(1, 33)
        or p not in range(1, 17)
    ):
        raise ValueError("a password's scrypt parameters are out of bounds")
    if until is not None and (isinstance(until, bool) or not isinstance(until, int | float)):
        raise ValueError("a password's end is not a time")
    return Hash(salt, digest, Cost(n, r, p), until)
