"""Data connections: an upload is whole only when the client said so inside TLS, whatever else ends is incomplete."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any

from feedengine.transport.ftps.listing import Listing
from feedengine.transport.ftps.tls import TlsChannel, why
from feedengine.transport.ftps.upstream import AsyncChat, DTPHandler
from feedengine.transport.landing import Upload
from feedengine.transport.reception import Refused

# Read per event at most: other sessions have their turn after a millisecond or two, the file gets one write, and the
# bytes are still in the processor's cache when they are hashed (1 MiB costs a tenth more).
AT_ONCE = 1 << 18
_RECORD = 1 << 14
# Linux's number for the state of a connection whose peer has sent FIN.
_CLOSE_WAIT = 8
#: How long an upload without close_notify waits whether the control connection ends too: then the client died.
UNCLEAN_SECONDS = 0.25


class Data(TlsChannel, DTPHandler):  # type: ignore[misc]
    """One data connection of a session. `session.data_closed(self)` is told when it is over, however it ended.

    `ended` of an upload: clean (close_notify), unclean (TCP's end without it), or the empty text for anything else.
    """

    def __init__(self, sock: Any, session: Any) -> None:
        self.session = session
        self.upload: Upload | None = None
        self.ended = ""
        self.reply = ""
        self.committing = False
        self.reused = False
        self.version: str | None = None
        self._lastdata = 0
        self.timeout = session.options.stall_timeout
        super().__init__(sock, session)

    def begin(self) -> None:
        """Start the handshake; tickets are never written here, where an uploading client does not read."""
        self.secure(self.session.context, tickets=0)

    @property
    def busy(self) -> bool:
        """Whether a transfer was begun on it."""
        return self.upload is not None or self._initialized

    # TLS

    def tls_ready(self) -> None:
        self.reused = bool(self.socket.session_reused)
        self.version = self.socket.version()
        if self.session.options.session_reuse == "require" and not self.reused:
            self.fail("522 Continue the TLS session of the control connection on the data connection.")
        elif self.receive:
            self.watch(self.ioloop.READ)
        elif self.producer_fifo:
            self.watch(self.ioloop.WRITE)
        else:
            self.watch(0)

    def tls_failed(self, error: Exception) -> None:
        self.fail(f"522 TLS on the data connection failed: {why(error)}.")

    # receiving

    def receive_into(self, upload: Upload) -> None:
        """Take what comes as the bytes of this upload."""
        self.upload = upload
        self.receive = True
        self._initialized = True
        if not self._shaking:
            self.watch(self.ioloop.READ)

    def handle_read_event(self) -> None:
        if self._shaking:
            self._shake()
        elif self.receive and self.upload is not None:
            self._receive(self.upload)
        else:
            self.handle_close()

    def _receive(self, upload: Upload) -> None:
        buffer, got, ended = self.session.hall.buffer, 0, None
        read = self.socket.read
        try:
            # Room for a whole record is left, as what stays in OpenSSL makes no event.
            while got <= AT_ONCE - _RECORD:
                size = read(AT_ONCE - got, buffer[got:])
                if size == 0:
                    ended = "clean"
                    break
                got += size
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except ssl.SSLEOFError:
            # The library says the same of a reset, which may have lost bytes that we had not read.
            ended = "unclean" if _half_closed(self.socket) else ""
        except OSError:
            ended = ""
        self.tot_bytes_received += got
        try:
            if got:
                upload.write(buffer[:got])
        except Refused as refused:
            self.fail(f"{452 if refused.later else 552} {sentence(refused.message)}", keep=False)
        else:
            if ended is not None:
                self.ended = ended
                self.close()

    # sending

    def initiate_send(self) -> None:
        if self._shaking:
            return
        first = self.producer_fifo[0] if self.producer_fifo else None
        if not isinstance(first, Listing):
            super().initiate_send()
        elif not first.ready:
            # Room to write would be told without end meanwhile.
            first.wake = self._go_on
            self.watch(0)
        elif first.broken:
            self.fail("451 The folder could not be read to its end; try again later.")
        else:
            super().initiate_send()

    def _go_on(self) -> None:
        if not self._closed:
            self.watch(self.ioloop.WRITE)

    def send(self, data: bytes) -> int:
        sent = super().send(data)
        self.tot_bytes_sent += sent
        return sent

    def use_sendfile(self) -> bool:
        return False

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return bool(self._shaking or self.producer_fifo)

    # ends

    def handle_close(self) -> None:
        if not self._closed:
            self.transfer_finished = self._initialized and not self.receive and not self.producer_fifo
            self.close()

    def handle_timeout(self) -> None:
        done = self.get_transmitted_bytes()
        if done > self._lastdata:
            self._lastdata = done
        else:
            self.fail(f"426 Nothing came or went for {self.timeout:g} seconds; the transfer was ended.")

    def handle_error(self) -> None:
        self.session.hall.fault("data connection")
        self.fail("451 Internal error; the transfer was ended.")

    def fail(self, reply: str, *, keep: bool = True) -> None:
        """End the transfer with this reply; what came of an upload is kept for a resume, unless it makes no sense."""
        if not self._closed:
            self.reply = reply
            if not keep and self.upload is not None:
                self.upload.abandon(keep=False)
            self.close()

    def close(self) -> None:
        if self._closed:
            return
        self.say_goodbye()
        AsyncChat.close(self)
        if self._idler is not None and not self._idler.cancelled:
            self._idler.cancel()
        if self.file_obj is not None and not self.file_obj.closed:
            self.file_obj.close()
        self.session.data_closed(self)


def _half_closed(sock: socket.socket) -> bool:
    """Whether TCP's end came in order (FIN), so that every byte before it was read, and not by a reset.

    OpenSSL answers an end without close_notify with an alert, which a closed peer resets in turn: the error that is
    left by that is another one than that of a reset out of the blue, which reading has used up by now.
    """
    try:
        if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSE_WAIT:
            return True
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.EPIPE
    except (OSError, AttributeError):
        return False


def sentence(message: str) -> str:
    """A message as a reply's text: one line, a capital letter, a full stop."""
    line = " ".join(message.split())
    line = line[:1].upper() + line[1:]
    return line if line.endswith(".") else line + "."
