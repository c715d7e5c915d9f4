"""Partners' clients: log in, upload, see what is said; they die in the middle, and try again as real ones do."""

from __future__ import annotations

import contextlib
import ftplib
import io
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any

from soak.feeds import Sent
from soak.journal import Journal

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_LOST = (OSError, EOFError, ftplib.error_proto)


class Ftps(ftplib.FTP_TLS):
    """The library's client with what servers may ask of it: the data connection resumes the control session."""

    def ntransfercmd(self, cmd: str, rest: Any = None) -> Any:
        """As the library's, with the control connection's TLS session."""
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        try:
            return self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session), size
        except BaseException:
            data.close()
            raise

    def vanish(self) -> None:
        """What the kernel does for a client that is killed with data on the way: an RST, and no word."""
        if self.sock is not None:
            vanish(self.sock)
            self.sock = None
            self.file.close()


def vanish(one: socket.socket) -> None:
    """Close with an RST."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    with contextlib.suppress(OSError):
        one.close()


def trusting() -> ssl.SSLContext:
    """Any certificate will do: these clients are about faults, not about trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(host: str, port: int, login: str, password: str, seconds: float = 20.0) -> Ftps:
    """Log in. Raises OSError, EOFError, ftplib.Error."""
    client = Ftps(context=trusting(), timeout=seconds, encoding="utf-8")
    try:
        client.connect(host, port)
        client.login(login, password)
        client.prot_p()
    except BaseException:
        client.close()
        raise
    return client


def attempt(
    host: str, port: int, sent: Sent, *, die_after: int | None = None, seconds: float = 30.0
) -> tuple[str, str]:
    """One try to send a file: what it came to (one of `journal.RESULTS`) and what was said.

    With `die_after`, the client is killed when that many bytes were written; if that is all of them, after it has ended
    the transfer and before it hears what came of it.
    """
    begun = False
    client: Ftps | None = None
    try:
        client = connect(host, port, sent.partner.login, sent.partner.password, seconds)
        begun = True
        data = client.transfercmd(f"STOR {sent.name}")
        with data:
            source = io.BytesIO(sent.content)
            while block := source.read(32768):
                if die_after is not None and source.tell() > die_after:
                    vanish(data)
                    client.vanish()
                    return "nothing", "the client was killed"
                data.sendall(block)
            data.unwrap()
        if die_after is not None:
            client.vanish()
            return "unknown", "the client was killed while the answer was due"
        said = client.voidresp()
    except ftplib.error_perm as error:
        return "refused" if begun else "nothing", str(error)
    except ftplib.error_temp as error:
        return "later", str(error)
    except _LOST as error:
        return "unknown" if begun else "nothing", f"{type(error).__name__}: {error}"
    finally:
        if client is not None:
            client.close()
    return "stored", said


Try = Callable[[Sent, int], tuple[str, str]]


def deliver(journal: Journal, sent: Sent, once: Try, *, seconds: float = 600.0) -> str:
    """Send a file as a real client does: again under the same name until the service gives a final answer.

    Gives the last attempt's result. A refusal after an attempt whose answer was lost means that the file is there.
    """
    until = time.monotonic() + seconds
    number = 0
    while True:
        number += 1
        result, said = once(sent, number)
        journal.note(sent, number, result, said)
        if result in ("stored", "refused") or time.monotonic() > until:
            return result
        time.sleep(min(2.0, 0.1 * 2 ** min(number, 5)))
