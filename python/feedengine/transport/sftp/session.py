"""Between asyncssh and our files: SFTP channels and nothing else, and the one bit that asyncssh does not tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncssh
from asyncssh.constants import FXP_CLOSE, FXP_WRITE
from asyncssh.packet import SSHPacket
from asyncssh.sftp import SFTPServerHandler
from asyncssh.stream import SSHReader, SSHServerStreamSession, SSHWriter

from feedengine.transport.sftp.files import Files

# Of no use for feeds, or a way around our handles.
_LEFT_OUT = (
    *(b"hardlink@openssh.com", b"copy-data", b"ranges@asyncssh.com"),
    *(b"statvfs@openssh.com", b"fstatvfs@openssh.com"),
)


class Handler(SFTPServerHandler):
    """Says whether a close is a request.

    asyncssh calls `SFTPServer.close` for a CLOSE request and for every open file when a connection dies; the one means
    that a file is whole, the other that it is not. Should a later asyncssh no longer call this method, uploads fail
    instead of landing cut.
    """

    def __init__(self, files: Files, reader: Any, writer: Any, version: int) -> None:
        super().__init__(files, reader, writer, version)
        self._extensions = [each for each in self._extensions if each[0] not in _LEFT_OUT]
        self._packet_handlers = {
            kind: handler for kind, handler in self._packet_handlers.items() if kind not in _LEFT_OUT
        }
        self._packet_handlers[FXP_WRITE] = lambda _, packet: self._write(packet)

    async def _write(self, packet: SSHPacket) -> int:
        """As asyncssh has it, but what comes behind the data is let go: Go's library before 1.13.6 (rclone 1.60) sends
        its whole buffer with the last block, and OpenSSH's server does not mind."""
        handle, offset, data = packet.get_string(), packet.get_uint64(), packet.get_string()
        file = self._file_handles.get(handle)
        if file is None:
            raise asyncssh.SFTPInvalidHandle("Invalid file handle")
        files = self._server
        assert isinstance(files, Files)
        return await files.write(file, offset, data)

    async def _process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> None:
        files = self._server
        assert isinstance(files, Files)
        files.closing = pkttype == FXP_CLOSE
        try:
            await super()._process_packet(pkttype, pktid, packet)
        finally:
            files.closing = False


class Session(SSHServerStreamSession[bytes]):
    """A channel of a connection. Only the sftp subsystem may be asked for: no shell, no commands, no scp."""

    def __init__(self, files: Callable[[Any], Files]) -> None:
        super().__init__(None, files, 3, False)
        self._files = files

    def session_started(self) -> None:
        """The subsystem was granted: serve it."""
        assert self._chan is not None and self._conn is not None
        self._chan.set_encoding(None)
        self._encoding = None
        reader: Any = SSHReader(self, self._chan)
        writer: Any = SSHWriter(self, self._chan)
        handler = Handler(self._files(self._chan), reader, writer, 3)
        self._conn.create_task(handler.run(), reader.logger)
