"""What went wrong with an SSH server, in words that say what to look at next."""

from __future__ import annotations

import socket

import asyncssh

from feedengine.errors import FeedEngineError, Hint, NotFound, TransportError, from_os_error
from feedengine.transport.remote import Place

#: What the SSH library and the network raise.
FAILURES = (asyncssh.Error, OSError, EOFError, ValueError)

_NO_ROOM = asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded


def explained(error: Exception, place: Place, doing: str) -> FeedEngineError:
    """The error as one of ours. `doing` is what was attempted, e.g. "list /in"."""
    if isinstance(error, asyncssh.SFTPError):
        return _answer(error, place, doing)
    if isinstance(error, asyncssh.Error):
        return _connection(error, place, doing)
    if isinstance(error, OSError | EOFError):
        return _system(error, place, doing)
    return made(f"{place.host} gave an answer that is none of SFTP: {short(error)}", doing, None)


def made(what: str, doing: str, code: str | None, *hints: Hint) -> TransportError:
    """An error of ours."""
    return TransportError(f"Could not {doing}: {what}.", hints=hints, code=code)


def cut(place: Place, doing: str, what: str) -> TransportError:
    """A transfer that ended early."""
    return made(f"{place.host}: {what}", doing, "TRANSPORT_CUT")


def _answer(error: asyncssh.SFTPError, place: Place, doing: str) -> FeedEngineError:
    said = f"{place.host} says: {short(error)}"
    if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath | asyncssh.SFTPNotADirectory):
        return NotFound(f"Could not {doing}: {said}.")
    if isinstance(error, asyncssh.SFTPNoConnection | asyncssh.SFTPConnectionLost | asyncssh.SFTPBadMessage):
        return made(f"{place.host} ended the connection ({short(error)})", doing, "TRANSPORT_CUT")
    if isinstance(error, _NO_ROOM):
        return made(said, doing, "TRANSPORT_REFUSED", Hint("The server has no room left for this account"))
    return made(said, doing, "TRANSPORT_REFUSED")


def _connection(error: asyncssh.Error, place: Place, doing: str) -> TransportError:
    if isinstance(error, asyncssh.PermissionDenied):
        return made(
            f"{place.host} does not let {place.user!r} in", doing, "TRANSPORT_LOGIN",
            Hint("Check the user and password_env, password_file or key_file; servers lock accounts that try too often")
        )  # fmt: skip
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return made(
            f"{place.host} and this machine know no common way to encrypt ({short(error)})", doing, "TRANSPORT_CONNECT",
            Hint("The server is very old, or it has no host key of the kind that known_host names")
        )  # fmt: skip
    if isinstance(error, asyncssh.ProtocolNotSupported | asyncssh.ProtocolError) and not isinstance(
        error, asyncssh.ConnectionLost
    ):
        return made(
            f"{place.host}:{place.port} does not speak SSH ({short(error)})", doing, "TRANSPORT_CONNECT",
            Hint("Check the port: usually 22 for sftp; FTPS servers have 21 or 990")
        )  # fmt: skip
    if isinstance(error, asyncssh.ChannelOpenError):
        return made(
            f"{place.host} offers no SFTP to {place.user!r} ({short(error)})", doing, "TRANSPORT_REFUSED",
            Hint("The server must have the sftp subsystem, and let this account use it")
        )  # fmt: skip
    return made(f"{place.host} ended the connection ({short(error)})", doing, "TRANSPORT_CUT")


def _system(error: OSError | EOFError, place: Place, doing: str) -> FeedEngineError:
    where = f"{place.host}:{place.port}"
    if isinstance(error, socket.gaierror):
        return made(f"the name {place.host} is not known", doing, "TRANSPORT_CONNECT",
                    Hint("Check the host's name, and this machine's DNS"))  # fmt: skip
    if isinstance(error, TimeoutError):
        return made(f"{where} did not answer for {place.timeout:g} s or more", doing, "TRANSPORT_CONNECT",
                    Hint("Check the address and the firewalls between; timeout = longer where the server is slow"),
                    )  # fmt: skip
    if isinstance(error, ConnectionRefusedError):
        return made(f"nothing listens at {where}", doing, "TRANSPORT_CONNECT",
                    Hint("Check host and port: usually 22 for sftp"))  # fmt: skip
    if isinstance(error, ConnectionError | EOFError):
        return made(f"{where} ended the connection", doing, "TRANSPORT_CUT")
    known = from_os_error(error, doing)
    if error.filename or known.code == "DISK_FULL":
        return known
    return made(f"{where}: {error.strerror or error}", doing, "TRANSPORT_CONNECT")


def short(error: Exception) -> str:
    """An error's words on one line."""
    line = " ".join((getattr(error, "reason", None) or str(error) or type(error).__name__).split())
    return line if len(line) <= 200 else line[:197] + "..."
