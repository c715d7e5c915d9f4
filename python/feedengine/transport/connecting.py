"""From a URL or a named table of the settings to an open connection."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from feedengine.errors import ConfigError, Hint, UsageError
from feedengine.settings.kinds import Secret
from feedengine.settings.secrets import resolve
from feedengine.transport.remote import Place, Remote

#: The variable that gives the password of a server that was named by a URL.
PASSWORD_VARIABLE = "FEEDENGINE_REMOTE_PASSWORD"

PORTS = {"ftps": 21, "ftps-implicit": 990, "ftp": 21, "sftp": 22}


def connect(place: Place) -> Remote:
    """Open a connection. Raises `TransportError`, which says what to look at next."""
    if place.scheme == "local":
        from feedengine.transport.local import Local

        return Local(place)
    if place.scheme == "sftp":
        try:
            import asyncssh  # noqa: F401
        except ImportError as error:
            raise UsageError(
                "SFTP needs the package asyncssh, which is not installed.",
                state="Nothing was sent or loaded.",
                hints=[Hint("Install it", ("pip", "install", "feedengine[sftp]"))],
            ) from error
        from feedengine.transport.sftp_client import SftpRemote

        return SftpRemote(place)
    from feedengine.transport.ftps_client import FtpsRemote

    return FtpsRemote(place)


def parse_url(url: str, *, env: Mapping[str, str] | None = None) -> Place:
    """Read `ftps://user@host:2121/in`, or a path of this machine. Raises `UsageError`.

    Schemes as in `Place`, and `file:///path`. The password comes from FEEDENGINE_REMOTE_PASSWORD: command lines are
    seen by every user of the machine, and settings files are copied around.
    """
    if "://" not in url:
        if not url:
            raise UsageError("A place needs a URL or a path.")
        return Place("local", url)
    parts = urlsplit(url)
    if parts.password is not None:
        shown = f"{parts.scheme}://{parts.username}@{parts.hostname}{parts.path}"
        raise UsageError(
            f"A password does not belong into a URL ({shown}): others can read it there.",
            state="Nothing was started.",
            hints=[
                Hint(f"Leave it out of the URL and put it into the environment as {PASSWORD_VARIABLE}"),
                Hint("For a named place: password_file or password_env in the settings", ("feedengine", "config")),
            ],
        )
    if parts.scheme == "file":
        return Place("local", unquote(parts.path))
    if parts.scheme not in PORTS:
        known = ", ".join(f"{each}://" for each in (*PORTS, "file"))
        raise UsageError(f'"{parts.scheme}://" is not known; a URL begins with {known}.')
    try:
        port = parts.port
    except ValueError:
        raise UsageError(f"The port of {parts.scheme}://{parts.hostname} must be a number up to 65535.") from None
    if not parts.hostname:
        raise UsageError(f'"{url}" names no server; write {parts.scheme}://user@host/folder.')
    if parts.query or parts.fragment:
        raise UsageError(f'"{url}" has a ? or #; write them as %3F and %23.')
    given = os.environ if env is None else env
    return Place(
        parts.scheme,
        unquote(parts.path),
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=Secret(given.get(PASSWORD_VARIABLE, "")),
    )


def place_of(
    table: Mapping[str, Any], *, name: str = "", beside: Path | None = None, env: Mapping[str, str] | None = None
) -> Place:
    """The place that a named table (`[sources.NAME]`, `[targets.NAME]`) describes. Raises `ConfigError`.

    `name` is printed in errors, as `sources.erp`; paths of key, password and certificate files are relative to the
    folder `beside` (that of the settings file). `env` is None for the process's own environment.
    """
    given = os.environ if env is None else env
    place = _from_url(table, name) if table["url"] else _from_parts(table, name)
    if place.scheme == "local":
        return Place("local", _beside(place.path, beside))
    verify = table["verify"]
    return Place(
        place.scheme,
        place.path,
        host=place.host,
        port=place.port,
        user=place.user,
        password=resolve(
            f"{name}.password" if name else "password",
            file=table["password_file"],
            variable=table["password_env"],
            beside=beside,
            env=given,
        ),
        verify=verify if verify in ("system", "off") else _beside(verify, beside),
        trust_address=table["trust_address"],
        key_file=_beside(table["key_file"], beside) if table["key_file"] else "",
        known_host=table["known_host"],
        timeout=table["timeout"],
    )


def dangers(place: Place) -> list[str]:
    """What somebody between us and the server could read or change, in sentences; empty where nothing."""
    if place.scheme == "ftp":
        return [f"{place.host}: plain FTP sends the password and the files unencrypted"]
    if place.scheme in ("ftps", "ftps-implicit") and place.verify == "off":
        return [f"{place.host}: its certificate is not verified (verify = off): it may be another server"]
    if place.scheme == "sftp" and place.known_host.strip() == "off":
        return [f"{place.host}: its key is not checked (known_host = off): it may be another server"]
    return []


def _from_url(table: Mapping[str, Any], name: str) -> Place:
    twice = [each for each in ("scheme", "host", "port", "user", "path") if table[each]]
    if twice:
        raise ConfigError(f"{name}: url and {twice[0]} say the same thing twice; leave one out.")
    try:
        return parse_url(table["url"], env={})
    except UsageError as error:
        raise ConfigError(f"{name}.url: {error.message}", state=error.state, hints=error.hints) from None


def _from_parts(table: Mapping[str, Any], name: str) -> Place:
    scheme = table["scheme"]
    if not scheme:
        raise ConfigError(f"{name}: there is no url, and no scheme and host instead.")
    if scheme == "local":
        if not table["path"]:
            raise ConfigError(f"{name}: a local place needs a path.")
        return Place("local", table["path"])
    if not table["host"]:
        raise ConfigError(f"{name}: {scheme} needs a host.")
    return Place(scheme, table["path"], host=table["host"], port=table["port"] or PORTS[scheme], user=table["user"])


def _beside(path: str, folder: Path | None) -> str:
    return str(folder / path) if folder is not None else path
