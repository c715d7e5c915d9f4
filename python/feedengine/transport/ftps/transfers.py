"""The half of a session that moves files: passive ports, uploads with resume, downloads, listings, aborts."""

from __future__ import annotations

import fnmatch
import socket
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from feedengine.transport.ftps.data import UNCLEAN_SECONDS, Data, sentence
from feedengine.transport.ftps.files import Files, Listed
from feedengine.transport.ftps.listing import Listing, parts
from feedengine.transport.ftps.passive import Expected, plain
from feedengine.transport.ftps.upstream import FileProducer
from feedengine.transport.landing import NothingToResume, Upload
from feedengine.transport.reception import Landed, Refused

if TYPE_CHECKING:
    from feedengine.accounts import Account
    from feedengine.transport.ftps.hall import Hall
    from feedengine.transport.ftps.options import Options

_ACTIVE = "502 Active mode is off here: switch the client to passive mode (PASV or EPSV)."


class Transfers:
    """A mixin; what it uses of the session is named here."""

    hall: Hall
    options: Options
    account: Account | None
    fs: Files
    authorizer: Any
    peer: str
    socket: Any
    ioloop: Any
    respond: Callable[..., None]
    refused: Callable[..., None]
    push_dtp_data: Callable[..., None]
    who: Callable[[], dict[str, Any]]
    hold: Callable[[], None]
    release: Callable[[], None]
    start_idling: Callable[[], None]
    close_when_done: Callable[[], None]
    call_later: Callable[..., Any]
    _closed: bool
    _prot: bool
    _epsvall: bool
    _quit_pending: bool
    _restart_position: int
    _current_facts: list[str]
    _out_dtp_queue: Any
    data_channel: Data | None
    _dtp_acceptor: Expected | None

    def begin_transfers(self) -> None:
        """Nothing is moved yet."""
        # An upload that was announced (150) and waits for its data connection.
        self._incoming: Upload | None = None
        self._committing = 0
        self._downloading = ""
        # Why a data connection on which nothing was begun is no longer there.
        self._unfit = ""

    @property
    def transferring(self) -> bool:
        """Whether something is on its way, or a reply about it still to come."""
        if self._closed:
            return self._committing > 0
        channel = self.data_channel
        return bool(self._committing or self._incoming or self._out_dtp_queue or (channel is not None and channel.busy))

    def may_transfer(self) -> bool:
        """Whether a transfer can begin now; says what is missing otherwise."""
        channel = self.data_channel
        if self.hall.draining:
            self.respond("421 The server is about to stop; try again in a minute.")
        elif not self._prot:
            self.respond("521 Data connections must be private: send PBSZ 0 and PROT P first.")
        elif self._incoming or self._out_dtp_queue or (channel is not None and channel.busy):
            self.respond("450 A transfer is running; wait for its end or send ABOR.")
        elif channel is None and self._dtp_acceptor is None:
            reply, self._unfit = self._unfit, ""
            self.respond(reply or "425 Open a passive data connection first (PASV or EPSV).")
        else:
            return True
        return False

    # data connections

    def ftp_PORT(self, line: str) -> None:
        self.refused("PORT", _ACTIVE)

    def ftp_EPRT(self, line: str) -> None:
        self.refused("EPRT", _ACTIVE)

    def ftp_EPSV(self, line: str) -> None:
        # We listen for both families, so whatever the client names is right.
        if line.upper() == "ALL":
            self._epsvall = True
            self.respond("200 Only EPSV from now on.")
        elif line in ("", "1", "2"):
            self._make_epasv(extmode=True)
        else:
            self.respond("522 Network protocol not supported, use (1,2).")

    def _make_epasv(self, extmode: bool = False) -> None:
        if not self._prot:
            self.respond("521 Data connections must be private: send PBSZ 0 and PROT P first.")
            return
        own = plain(self.socket.getsockname()[0])
        if not extmode and ":" in own:
            self.respond("522 PASV is for IPv4; use EPSV.")
            return
        if self.data_channel is not None and self.data_channel.busy:
            self.data_channel.fail("426 The transfer was ended by a new data connection.")
        self._drop_data()
        self._unfit = ""
        expected = self._dtp_acceptor = Expected(self.hall.ports, self.peer, self.data_arrived)

        def ready() -> None:
            expected.within(self.options.connect_timeout, self._nobody_came)
            if extmode:
                self.respond(f"229 Entering extended passive mode (|||{expected.port}|).")
            else:
                address = self.hall.masquerade.address(own, self.peer).replace(".", ",")
                high, low = divmod(expected.port, 256)
                self.respond(f"227 Entering passive mode ({address},{high},{low}).")

        def ready_late() -> None:
            ready()
            self.release()

        def too_late() -> None:
            self._dtp_acceptor = None
            self.refused("PASV", "425 All passive ports are in use; try again in a moment.")
            self.release()

        if self.hall.ports.announce(expected, ready_late):
            ready()
        else:
            self.hold()
            expected.within(self.options.passive_wait, too_late)

    def _nobody_came(self) -> None:
        self._dtp_acceptor = None
        upload, self._incoming = self._incoming, None
        if upload is not None:
            upload.abandon()
        if upload is not None or self._out_dtp_queue is not None:
            self._forget_outgoing()
            self.refused("PASV", "425 No data connection came; are the passive ports open in every firewall?")
        self.start_idling()

    def data_arrived(self, sock: socket.socket) -> None:
        """The client connected to the port that it was told."""
        self._dtp_acceptor = None
        if self._closed:
            sock.close()
            return
        channel = Data(sock, self)
        if not channel.connected:
            sock.close()
            return
        self.data_channel = channel
        upload, self._incoming = self._incoming, None
        queued, self._out_dtp_queue = self._out_dtp_queue, None
        channel.begin()
        if channel._closed:
            if upload is not None:
                upload.abandon()
            if queued is not None and queued[2] is not None:
                queued[2].close()
            if upload is not None or queued is not None:
                self.respond(channel.reply or "425 The data connection broke; open another (PASV or EPSV).")
        elif upload is not None:
            channel.receive_into(upload)
        elif queued is not None:
            data, is_producer, file, cmd = queued
            channel.file_obj, channel.cmd = file, cmd
            (channel.push_with_producer if is_producer else channel.push)(data)
            channel.close_when_done()

    def _drop_data(self) -> None:
        """Forget an announced port and an open data connection that carry no transfer."""
        if self._dtp_acceptor is not None:
            self._dtp_acceptor.close()
            self._dtp_acceptor = None
        if self.data_channel is not None:
            self.data_channel.close()

    def _forget_outgoing(self) -> None:
        queued, self._out_dtp_queue = self._out_dtp_queue, None
        if queued is not None and queued[2] is not None:
            queued[2].close()

    def end_transfers(self) -> None:
        """The session ends: nothing that is under way will be whole."""
        upload, self._incoming = self._incoming, None
        if upload is not None:
            upload.abandon()
        self._forget_outgoing()

    def ftp_ABOR(self, line: str) -> None:
        announced = self._incoming is not None or self._out_dtp_queue is not None
        running = announced or (self.data_channel is not None and self.data_channel.busy)
        self.end_transfers()
        if self.data_channel is not None and self.data_channel.busy:
            self.data_channel.fail("426 The transfer was aborted.")
        elif announced:
            self.respond("426 The transfer was aborted.")
        self._drop_data()
        self.respond("226 Aborted." if running else "225 There is no transfer to abort.")

    # uploads

    def ftp_STOR(self, path: str, mode: str = "w") -> None:
        assert self.account is not None
        # APPE continues what is kept of an upload that broke: some clients resume in this way.
        offset = None if mode == "a" else self._restart_position
        self._restart_position = 0
        account, peer, hall = self.account, self.peer, self.hall

        def begin() -> Upload:
            return hall.landing.begin(hall.still(account), path, protocol="ftps", peer=peer, offset=offset)

        def begun(upload: Upload | None, error: Exception | None) -> None:
            if upload is None:
                self._drop_or_not(path, error)
            elif self._closed:
                upload.abandon()
            elif self.data_channel is not None:
                self.respond("125 Go on.")
                self.data_channel.receive_into(upload)
            elif self._dtp_acceptor is not None:
                self.respond("150 Waiting for the data connection.")
                self._incoming = upload
            else:
                upload.abandon()
                reply, self._unfit = self._unfit, ""
                self.respond(reply or "425 The data connection is gone; open another (PASV or EPSV).")
            self.release()

        self.hold()
        hall.backstage.disk(begin, begun)

    def ftp_APPE(self, path: str) -> None:
        self._restart_position = 0
        self.ftp_STOR(path, "a")

    def _drop_or_not(self, path: str, error: Exception | None) -> None:
        if not self._closed:
            self._drop_data()
            self.refused("STOR", reply_to(error), path)

    def data_closed(self, channel: Data) -> None:
        """A data connection is over: say so, now or when the file has landed."""
        if self.data_channel is channel:
            self.data_channel = None
        upload = channel.upload
        if upload is None:
            self._sent(channel)
        elif not upload.open:
            self._incomplete(channel, upload, channel.reply)
        elif channel.ended == "clean":
            self._commit(channel, upload, "clean")
        elif channel.ended == "unclean" and self._tolerates() and not self._closed:
            # The client may have died: then its control connection ends as well, and the file is not whole.
            self._committing += 1
            self.hold()
            self.call_later(UNCLEAN_SECONDS, self._commit_unclean, channel, upload)
            self.ioloop.call_later(2 * UNCLEAN_SECONDS, self._end_unclean, channel, upload)
            return
        else:
            end = "the TLS connection ended without close_notify" if channel.ended else "the data connection broke"
            self._incomplete(channel, upload, channel.reply or f"426 Not whole: {end}; REST can continue it.")
        self._after()

    def _tolerates(self) -> str:
        assert self.account is not None
        mode = self.account.tls_eof or self.options.tls_eof
        return "" if mode == "strict" else mode

    def _commit_unclean(self, channel: Data, upload: Upload) -> None:
        self._committing -= 1
        self._commit(channel, upload, "unclean" if self._tolerates() == "verify" else "clean")

    def _end_unclean(self, channel: Data, upload: Upload) -> None:
        # Not committed by now: the control connection ended in between.
        if self._closed and upload.open and not channel.committing:
            self._committing -= 1
            self._incomplete(channel, upload, "426")

    def _commit(self, channel: Data, upload: Upload, eof: str) -> None:
        channel.committing = True
        self._committing += 1
        self.hold()

        def done(landed: Landed | None, error: Exception | None) -> None:
            self._committing -= 1
            if landed is None:
                self._incomplete(channel, upload, reply_to(error))
            else:
                self._landed(channel, upload, landed)
            self.release()
            self._after()

        self.hall.backstage.disk(lambda: upload.commit(eof), done)

    def _landed(self, channel: Data, upload: Upload, landed: Landed) -> None:
        seconds = time.monotonic() - upload.begun
        self.hall.counts["uploads"] += 1
        self.hall.counts["uploaded_bytes"] += landed.bytes
        self.hall.log(
            "ftps.upload",
            path=landed.virtual,
            bytes=landed.bytes,
            sha256=landed.sha256,
            seconds=round(seconds, 3),
            resumed_at=upload.resumed_at,
            eof=channel.ended,
            tls=channel.version,
            reused=channel.reused,
            **self.who(),
        )
        self.respond(f"226 Stored: {landed.bytes} bytes, SHA-256 {landed.sha256}.")

    def _incomplete(self, channel: Data, upload: Upload, reply: str) -> None:
        kept = upload.open
        upload.abandon()
        self.hall.counts["uploads_incomplete"] += 1
        self.hall.log(
            "ftps.upload_incomplete",
            level="warning",
            path=upload.virtual,
            bytes=upload.bytes,
            kept=kept,
            end=channel.ended or "broken",
            tls=channel.version,
            reply=reply,
            **self.who(),
        )
        self.respond(reply)

    def _after(self) -> None:
        if self._closed:
            return
        if (self._quit_pending or self.hall.draining) and not self.transferring:
            self.close_when_done()
        else:
            self.start_idling()

    # downloads and listings

    def ftp_RETR(self, path: str) -> None:
        offset, self._restart_position = self._restart_position, 0
        try:
            file = self.fs.open(path, "rb")
        except OSError as error:
            self._drop_or_not(path, error)
            return
        if offset > self.fs.getsize(path):
            file.close()
            self.respond(f"554 The file is shorter than {offset} bytes.")
            return
        file.seek(offset)
        self._downloading = path
        self.push_dtp_data(FileProducer(file, "i"), isproducer=True, file=file, cmd="RETR")

    def _sent(self, channel: Data) -> None:
        if not channel.busy:
            # Nobody asked for anything yet, so nothing may be said; the next transfer is told.
            self._unfit = channel.reply
            return
        whole, sent = channel.transfer_finished and not channel.reply, channel.tot_bytes_sent
        if channel.cmd == "RETR":
            self.hall.counts["downloads" if whole else "downloads_incomplete"] += 1
            self.hall.counts["downloaded_bytes"] += sent
            self.hall.log(
                "ftps.download", path=self._downloading, bytes=sent, whole=whole, reused=channel.reused, **self.who()
            )
        self.respond(f"226 Sent: {sent} bytes." if whole else channel.reply or "426 The data connection broke.")

    def ftp_LIST(self, path: str) -> None:
        self._list(path, "LIST", lambda found: self.fs.format_list("", found))

    def ftp_MLSD(self, path: str) -> None:
        if not self.fs.isdir(path):
            self.respond("501 There is no such folder.")
            return
        perms = self.authorizer.get_perms("")
        facts = list(self._current_facts)
        self._list(path, "MLSD", lambda found: self.fs.format_mlsx("", found, perms, facts))

    def ftp_NLST(self, path: str) -> None:
        self._list(path, "NLST", _only_names)

    def _list(self, path: str, cmd: str, form: Callable[[Iterable[Listed]], Iterator[bytes]]) -> None:
        files, crew = self.fs, self.hall.backstage.disk

        def begin() -> Listing:
            made = parts(_matching(files, path), form)
            return Listing(made, next(made, b""), crew)

        def begun(listing: Listing | None, error: Exception | None) -> None:
            if self._closed:
                if listing is not None:
                    listing.close()
                return
            if listing is None:
                self._drop_data()
                self.respond(reply_to(error))
            elif self.data_channel is None and self._dtp_acceptor is None:
                listing.close()
                self.respond("425 The data connection is gone; open another (PASV or EPSV).")
            else:
                self.push_dtp_data(listing, isproducer=True, file=listing, cmd=cmd)
            self.release()

        self.hold()
        crew(begin, begun)


def _matching(files: Files, path: str) -> Generator[Listed, None, None]:
    """What is in a folder, or what fits a pattern in the last part of the path: `*.csv` of scripts with mget."""
    folder, _, pattern = path.rpartition("/")
    try:
        return files.listed(path)
    except FileNotFoundError:
        if not any(char in pattern for char in "*?["):
            raise
        return (each for each in files.listed(folder or "/") if fnmatch.fnmatchcase(each, pattern))


def _only_names(found: Iterable[Listed]) -> Iterator[bytes]:
    for each in found:
        yield f"{each}\r\n".encode("utf-8", "replace")


def reply_to(error: Exception | None) -> str:
    """What a failure is called on the wire; nothing of our file system is told."""
    if isinstance(error, NothingToResume):
        return f"554 {sentence(error.message)}"
    if isinstance(error, Refused):
        return f"{452 if error.later else 553} {sentence(error.message)}"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "550 There is no such file or folder."
    if isinstance(error, IsADirectoryError):
        return "550 This is a folder."
    if isinstance(error, FileExistsError):
        return "550 This exists already."
    if isinstance(error, PermissionError):
        return "550 This can't be done."
    return "451 The server has a problem with its disk; try again later."
