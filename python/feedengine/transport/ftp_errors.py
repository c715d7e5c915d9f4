"""What went wrong with an FTP server, in words that say what to look at next."""

from __future__ import annotations

import ftplib
import re
import socket
import ssl

from feedengine.errors import DiskFull, FeedEngineError, Hint, NotFound, TransportError, from_os_error
from feedengine.transport.remote import Place

NOT_THERE = re.compile(r"no such|not found|does ?n[o']t exist|cannot find|can't find|not exist", re.IGNORECASE)


class DataFailed(Exception):
    """The data connection could not be opened: `cause` is why, `named` the address that the server said to use."""

    def __init__(self, cause: OSError, named: str) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.named = named


#: What the FTP library and the network raise.
FAILURES = (ftplib.Error, OSError, EOFError, ValueError, DataFailed)


def explained(error: Exception, place: Place, doing: str) -> FeedEngineError:
    """The error as one of ours. `doing` is what was attempted, e.g. "list /in"."""
    if isinstance(error, DataFailed):
        return _data(error, place, doing)
    if isinstance(error, ftplib.error_temp | ftplib.error_perm):
        return _refused(str(error), place, doing)
    if isinstance(error, EOFError):
        return _made(f"{place.host} closed the connection", place, doing, "TRANSPORT_CUT")
    # Before ValueError, of which a certificate's error is one, too.
    if isinstance(error, ssl.SSLError):
        return _tls(error, place, doing)
    if isinstance(error, OSError):
        return _system(error, place, doing)
    if isinstance(error, ftplib.Error | ValueError):
        return _made(f"{place.host} gave an answer that is none of FTP: {_short(str(error))}", place, doing, None)
    raise error


def cut(place: Place, doing: str, what: str) -> TransportError:
    """A transfer that ended early."""
    return _made(f"{place.host}: {what}", place, doing, "TRANSPORT_CUT")


def _made(what: str, place: Place, doing: str, code: str | None, *hints: Hint) -> TransportError:
    return TransportError(f"Could not {doing}: {what}.", hints=hints, code=code)


def _refused(reply: str, place: Place, doing: str) -> FeedEngineError:
    said = f"{place.host} says: {_short(reply)}"
    if reply.startswith(("530", "532")):
        return _made(
            said, place, doing, "TRANSPORT_LOGIN",
            Hint("Check the user and password_env or password_file; servers lock accounts that try too often"),
        )  # fmt: skip
    if reply.startswith(("522", "425")) and re.search("reuse|session|ssl|tls", reply, re.IGNORECASE):
        return _made(said, place, doing, "TRANSPORT_TLS", Hint("The server wants the TLS session of the login reused"))
    if reply.startswith("4"):
        return _made(said, place, doing, "TRANSPORT_CUT" if reply.startswith(("426", "451")) else "TRANSPORT_BUSY")
    if reply.startswith("550") and NOT_THERE.search(reply):
        return NotFound(f"Could not {doing}: {said}.")
    if reply.startswith(("552", "452")):
        return _made(said, place, doing, "TRANSPORT_REFUSED", Hint("The server has no room left for this account"))
    return _made(said, place, doing, "TRANSPORT_REFUSED")


def _data(error: DataFailed, place: Place, doing: str) -> TransportError:
    inner = explained(error.cause, place, doing)
    hints = [Hint("A firewall must let passive data connections through (often ports 30000-30009)")]
    if error.named not in ("", place.host) and not place.trust_address:
        hints.insert(0, Hint(f"The server names {error.named} for data; behind a load balancer: trust_address = true"))
    elif place.trust_address:
        hints.insert(0, Hint(f"The server names {error.named} for data; if that is wrong: trust_address = false"))
    return TransportError(
        f"{inner.message.rstrip('.')} (data connection).", hints=hints, code=inner.code, state=inner.state
    )


def _tls(error: ssl.SSLError, place: Place, doing: str) -> TransportError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _made(
            f"the certificate of {place.host} is not trusted: {error.verify_message}", place, doing, "TRANSPORT_TLS",
            Hint("If it is a private one: verify = path of its certificate (PEM)"),
        )  # fmt: skip
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _made(f"{place.host} ended the TLS connection early", place, doing, "TRANSPORT_CUT")
    if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER" in str(error):
        other = "ftps" if place.scheme == "ftps-implicit" else "ftps-implicit"
        return _made(f"{place.host}:{place.port} says what is no TLS", place, doing, "TRANSPORT_TLS",
                     Hint(f"Perhaps the scheme is {other}"))  # fmt: skip
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return _made(f"TLS with {place.host} failed: {reason}", place, doing, "TRANSPORT_TLS")


def _system(error: OSError, place: Place, doing: str) -> FeedEngineError:
    where = f"{place.host}:{place.port}"
    if isinstance(error, socket.gaierror):
        return _made(f"the name {place.host} is not known", place, doing, "TRANSPORT_CONNECT",
                     Hint("Check the host's name, and this machine's DNS"))  # fmt: skip
    if isinstance(error, TimeoutError):
        return _made(f"{where} did not answer for {place.timeout:g} s or more", place, doing, "TRANSPORT_CONNECT",
                     Hint("Check the address and the firewalls between; timeout = longer where the server is slow"),
                     )  # fmt: skip
    if isinstance(error, ConnectionRefusedError):
        return _made(f"nothing listens at {where}", place, doing, "TRANSPORT_CONNECT",
                     Hint("Check host and port: usually 21 for ftps, 990 for ftps-implicit"))  # fmt: skip
    if isinstance(error, ConnectionError):
        return _made(f"{where} ended the connection", place, doing, "TRANSPORT_CUT")
    known = from_os_error(error, doing)
    if isinstance(known, DiskFull) or error.filename:
        return known
    return _made(f"{where}: {error.strerror or error}", place, doing, "TRANSPORT_CONNECT")


def _short(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= 200 else line[:197] + "..."
