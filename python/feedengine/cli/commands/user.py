"""`feedengine user ...`: the accounts of partners who send and fetch files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option
from feedengine.errors import UsageError

if TYPE_CHECKING:
    from feedengine.accounts import Accounts
    from feedengine.accounts.entry import Entry
    from feedengine.cli.session import Session

group = Group()

Name = Annotated[str, Argument(metavar="NAME", help="The login: an e-mail address or a role's name.")]
Keys = Annotated[list[str] | None, Option("--key", metavar="KEY", help="A catalog key it may send for; default any.")]
May = Annotated[
    str | None, Option("--may", metavar="lrwdnm", help="list, read, write, delete, rename (n), make folders.")
]
Quota = Annotated[str | None, Option("--quota", metavar="10GiB", help="Most bytes in its home; 0 = no limit.")]
Connections = Annotated[
    int | None, Option("--connections", metavar="N", least=0, help="Most sessions at a time; 0 = no limit.")
]
From = Annotated[list[str] | None, Option("--from", metavar="CIDR", help="A network it may come from; default any.")]
TlsEof = Annotated[
    str | None, Option("--tls-eof", metavar="WORD", help="strict, verify or lenient about an unclean end.")
]
Mail = Annotated[list[str] | None, Option("--mail", metavar="ADDRESS", help="Who is told of its feeds.")]
Role = Annotated[bool, Option("--role", help="A role account, used by programs.")]
PasswordStdin = Annotated[
    bool, Option("--password-stdin", help="Read the password from stdin, or ask for it; else one is made.")
]


@group.command("add")
def add(
    context: Context,
    name: Name,
    key: Keys = None,
    may: May = None,
    quota: Quota = None,
    connections: Connections = None,
    from_: From = None,
    tls_eof: TlsEof = None,
    mail: Mail = None,
    role: Role = False,
    home: Annotated[str | None, Option("--home", metavar="FOLDER", help="Its folder in homes; may be shared.")] = None,
    password_stdin: PasswordStdin = False,
) -> int:
    """Make an account; prints host, port, user name and the password, once."""
    from feedengine.cli.render import user as render

    session = params.session(context)
    fields = _fields(key, may, quota, connections, from_, tls_eof, mail) | ({"role": True} if role else {})
    given = _password(session) if password_stdin else None
    entry, secret = _accounts(session).add(name, given=given, home=home, by=session.actor, **fields)
    folder = session.store.root / "homes" / entry.account.home
    if any(each.is_file() for each in folder.rglob("*")):
        session.out.talk(f"The folder {folder} holds files already; this account can see them.")
    reach = render.reach(session.settings)
    session.out.show(
        {
            "schema": "feedengine.user-added/1",
            **reach,
            "user": entry.account.name,
            "password": None if given is not None else secret,
            "home": entry.account.home,
        },
        render.credentials(reach, entry.account.name, None if given is not None else secret),
    )
    return 0


@group.command("list")
def list_users(context: Context) -> int:
    """List the accounts; no secrets."""
    from feedengine.cli.render import user as render

    session = params.session(context)
    entries = _accounts(session).every()
    session.out.show(
        {"schema": "feedengine.users/1", "users": [render.document(each) for each in entries]}, render.listing(entries)
    )
    return 0


@group.command("show")
def show(context: Context, name: Name) -> int:
    """Show one account: what it may do, its keys, its home; no secrets."""
    session = params.session(context)
    accounts = _accounts(session)
    return _shown(session, accounts, accounts.get(name))


@group.command("set")
def set_fields(
    context: Context,
    name: Name,
    key: Keys = None,
    may: May = None,
    quota: Quota = None,
    connections: Connections = None,
    from_: From = None,
    tls_eof: TlsEof = None,
    mail: Mail = None,
) -> int:
    """Change what an account may do; lists are given whole, an empty value clears one."""
    session = params.session(context)
    fields = _fields(key, may, quota, connections, from_, tls_eof, mail)
    if not fields:
        raise UsageError("Say what to change, for example --quota 10GiB.", state="Nothing was changed.")
    accounts = _accounts(session)
    return _shown(session, accounts, accounts.change(name, **fields))


@group.command("passwd")
def passwd(
    context: Context,
    name: Name,
    keep_old: Annotated[
        int, Option("--keep-old", metavar="HOURS", least=0, help="How long the old password stays valid; default 24.")
    ] = 24,
    password_stdin: PasswordStdin = False,
) -> int:
    """Give a new password, printed once; the old one stays valid for a day, so that programs can be changed."""
    from feedengine.cli.render import user as render

    session = params.session(context)
    accounts = _accounts(session)
    known = accounts.get(name).account.name
    given = _password(session) if password_stdin else None
    secret = accounts.set_password(known, given, keep_old=keep_old * 3600.0)
    shown = None if given is not None else secret
    kept = f"the old password stays valid for {keep_old} h" if keep_old else "the old password is no longer valid"
    session.out.show(
        {"schema": "feedengine.user-password/1", "user": known, "password": shown, "keep_old_hours": keep_old},
        [*render.pairs([("user", known), *([("password", shown)] if shown else [])]), kept],
    )
    return 0


@group.command("disable")
def disable(context: Context, name: Name) -> int:
    """Let nobody log in with this account; all else stays."""
    return _switched(context, name, disabled=True)


@group.command("enable")
def enable(context: Context, name: Name) -> int:
    """Let a disabled account log in again."""
    return _switched(context, name, disabled=False)


@group.command("remove")
def remove(context: Context, name: Name) -> int:
    """Take an account away; its home with the files stays."""
    session = params.session(context)
    accounts = _accounts(session)
    known = accounts.get(name).account
    session.confirm(f'Remove the account "{known.name}"?')
    accounts.remove(known.name)
    home = session.store.root / "homes" / known.home
    session.out.show(
        {"schema": "feedengine.user-removed/1", "user": known.name, "home": str(home)},
        [f"{known.name} is removed; its files are still in {home}"],
    )
    return 0


@group.command("key")
def key(
    context: Context,
    action: Annotated[str, Argument(metavar="add|list|remove", help="What to do.")],
    name: Name,
    which: Annotated[
        str | None, Argument(metavar="FILE|FINGERPRINT", help="A .pub file (- is stdin), or the key to remove.")
    ] = None,
) -> int:
    """Public SSH keys that may log in over SFTP."""
    from feedengine.cli.render import user as render

    session = params.session(context)
    accounts = _accounts(session)
    if action not in ("add", "list", "remove") or (which is None) != (action == "list"):
        raise UsageError(
            "Say: user key list NAME, user key add NAME FILE, or user key remove NAME FINGERPRINT.",
            state="Nothing was changed.",
        )
    if action == "add":
        accounts.add_key(name, _read(which or "-"))
    elif action == "remove":
        accounts.remove_key(name, which or "")
    entry = accounts.get(name)
    session.out.show(
        {"schema": "feedengine.user-keys/1", "user": entry.account.name, "keys": render.keys(entry)},
        render.key_lines(entry),
    )
    return 0


@group.command("ban")
def ban(
    context: Context,
    action: Annotated[str, Argument(metavar="list|lift", help="What to do.")],
    address: Annotated[str | None, Argument(metavar="ADDRESS", help="Whose ban to lift; all without it.")] = None,
) -> int:
    """Addresses that are not answered because of too many failed logins."""
    from feedengine.accounts import Door
    from feedengine.cli.render import user as render

    session = params.session(context)
    bans = Door.of(session.store.root, session.settings).bans
    if action == "list" and address is None:
        found = bans.banned()
        session.out.show(
            {
                "schema": "feedengine.bans/1",
                "bans": [{"address": each, "seconds": round(left), "times": times} for each, left, times in found],
            },
            render.bans(found),
        )
    elif action == "lift":
        lifted = bans.lift(address)
        session.out.show(
            {"schema": "feedengine.bans-lifted/1", "addresses": lifted},
            [f"{each} is no longer banned" for each in lifted] or ["no address was banned"],
        )
    else:
        raise UsageError("Say: user ban list, or user ban lift [ADDRESS].", state="Nothing was changed.")
    return 0


def _accounts(session: Session) -> Accounts:
    from feedengine.accounts import Accounts

    return Accounts(session.store.root)


def _fields(
    key: list[str] | None,
    may: str | None,
    quota: str | None,
    connections: int | None,
    from_: list[str] | None,
    tls_eof: str | None,
    mail: list[str] | None,
) -> dict[str, Any]:
    """Fields of the account that were given."""
    from feedengine.settings import kinds

    fields: dict[str, Any] = {}
    for field, values in (("keys", key), ("from_addresses", from_), ("mail", mail)):
        if values is not None:
            fields[field] = tuple(each for each in values if each)
    for field, value in (("may", may), ("tls_eof", tls_eof), ("most_connections", connections)):
        if value is not None:
            fields[field] = value
    if quota is not None:
        try:
            fields["quota"] = kinds.size()(quota)
        except ValueError as error:
            raise UsageError(f"--quota {error}.", state="Nothing was changed.") from None
    return fields


def _password(session: Session) -> str:
    """A password from the terminal, typed twice and not shown, or the first line of stdin."""
    import sys

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    import getpass

    first = getpass.getpass("Password: ", session.out.stderr)
    if first != getpass.getpass("Once more: ", session.out.stderr):
        raise UsageError("The two passwords differ.", state="Nothing was changed.")
    return first


def _read(file: str) -> str:
    import sys
    from pathlib import Path

    from feedengine.errors import from_os_error

    try:
        content = sys.stdin.buffer.read(65536) if file == "-" else Path(file).read_bytes()[:65536]
    except OSError as error:
        raise from_os_error(error, "read the public key") from error
    return content.decode("utf-8", "replace")


def _switched(context: Context, name: str, *, disabled: bool) -> int:
    session = params.session(context)
    entry = _accounts(session).change(name, disabled=disabled)
    word = "disabled" if disabled else "enabled"
    session.out.show(
        {"schema": f"feedengine.user-{word}/1", "user": entry.account.name}, [f"{entry.account.name} is {word}"]
    )
    return 0


def _shown(session: Session, accounts: Accounts, entry: Entry) -> int:
    from feedengine.cli.render import user as render

    home = str(accounts.home(entry.account))
    session.out.show(
        {"schema": "feedengine.user/1", **render.document(entry), "home_path": home}, render.details(entry, home)
    )
    return 0
