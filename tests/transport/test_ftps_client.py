"""The FTPS client against a server that misbehaves: what was cut is never taken for whole, and errors say why."""

from __future__ import annotations

import gc
import os
import select
import socket
import ssl
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from feedengine.errors import ConfigError, NotFound, TransportError
from feedengine.settings.kinds import Secret
from feedengine.transport.ftp_control import _close_half_made
from feedengine.transport.ftps_client import FtpsRemote
from feedengine.transport.remote import Place
from transport.lab.programs import certificate
from transport.scripted import Scripted, Session

# A handshake with a peer that has just reset the connection leaves a socket to the collector, in the library itself.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)

DATA = os.urandom(700_000)


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("pem"))


@pytest.fixture
def server(pem: tuple[Path, Path]) -> Iterator[Scripted]:
    with Scripted(pem) as server:
        server.files["/in/a.csv"] = DATA
        yield server


def place(server: Scripted, pem: tuple[Path, Path] | None, **given: object) -> Place:
    scheme = "ftps-implicit" if server.implicit else "ftps"
    known = Place(
        scheme,
        "/in",
        "127.0.0.1",
        server.port,
        "u",
        Secret("right"),
        verify=str(pem[0]) if pem else "system",
        timeout=30,
    )
    return replace(known, **given)  # type: ignore[arg-type]


@pytest.fixture
def remote(server: Scripted, pem: tuple[Path, Path]) -> Iterator[FtpsRemote]:
    with FtpsRemote(place(server, pem)) as remote:
        yield remote


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def refused(act: Callable[[], object]) -> TransportError:
    with pytest.raises(TransportError) as caught:
        act()
    return caught.value


# Ends of transfers ---------------------------------------------------------------------------------------------------


@pytest.mark.feature("P3")
@pytest.mark.parametrize("end", ["half", "short", "reset"])
def test_a_download_that_was_cut_is_an_error(server: Scripted, remote: FtpsRemote, tmp_path: Path, end: str) -> None:
    server.end = end
    error = refused(lambda: remote.get("a.csv", tmp_path / "back"))
    assert error.code == "TRANSPORT_CUT" and error.passing
    server.end = "polite"
    # What came is kept, and the next try goes on.
    there = (tmp_path / "back").stat().st_size
    assert remote.get("a.csv", tmp_path / "back", offset=there) == len(DATA)
    assert (tmp_path / "back").read_bytes() == DATA


@pytest.mark.parametrize("end", ["half", "short"])
def test_a_download_that_was_cut_is_seen_without_tls(server: Scripted, tmp_path: Path, end: str) -> None:
    server.end = end
    with FtpsRemote(place(server, None, scheme="ftp")) as remote:
        assert refused(lambda: remote.get("a.csv", tmp_path / "back")).code == "TRANSPORT_CUT"


def test_a_server_without_close_notify_is_believed_where_the_size_agrees(
    server: Scripted, remote: FtpsRemote, tmp_path: Path
) -> None:
    server.end = "ragged"
    assert remote.get("a.csv", tmp_path / "back") == len(DATA)
    assert (tmp_path / "back").read_bytes() == DATA
    server.answers["SIZE"] = lambda session, _: session.say("500 what?") is None
    assert refused(lambda: remote.get("a.csv", tmp_path / "again")).code == "TRANSPORT_CUT"


def test_a_silent_server_is_given_up(server: Scripted, pem: tuple[Path, Path], tmp_path: Path) -> None:
    server.end = "stall"
    with FtpsRemote(place(server, pem)) as remote:
        assert remote._control is not None
        # Only now: on a busy machine a login may take longer.
        remote._control.place = place(server, pem, timeout=0.5)
        error = refused(lambda: remote.get("a.csv", tmp_path / "back"))
    assert "did not answer" in error.message and error.passing


def test_an_upload_whose_answer_is_lost_is_decided_by_looking(
    server: Scripted, remote: FtpsRemote, source: Path
) -> None:
    def silent(session: Session, name: str) -> bool:
        session.server.files[session.path(name)] = session.take()
        session.connection.close()
        del session.server.answers["STOR"]
        return True

    server.answers["STOR"] = silent
    remote.put(source, "b.csv")
    assert server.files["/in/b.csv"] == DATA
    assert [line for line in server.said if line.startswith("STOR")] == ["STOR /in/b.csv"]
    # What was there before with the same size proves nothing.
    server.answers["STOR"] = silent
    assert refused(lambda: remote.put(source, "b.csv")).passing


def test_an_upload_of_which_half_arrived_is_an_error(server: Scripted, remote: FtpsRemote, source: Path) -> None:
    def half(session: Session, name: str) -> bool:
        session.server.files[session.path(name)] = session.take()[:1000]
        session.say("226 stored")
        return True

    server.answers["STOR"] = half
    error = refused(lambda: remote.put(source, "b.csv"))
    assert error.code == "TRANSPORT_CUT" and "1,000 of 700,000" in error.message


def test_the_servers_words_are_given_when_it_breaks_an_upload_off(
    server: Scripted, remote: FtpsRemote, source: Path
) -> None:
    def full(session: Session, name: str) -> bool:
        session.data().close()
        session.say("452 Insufficient disk space")
        return True

    server.answers["STOR"] = full
    source.write_bytes(DATA * 30)
    assert "452 Insufficient disk space" in refused(lambda: remote.put(source, "b.csv")).message


def test_a_server_that_lets_no_upload_go_on_gets_all_of_it(server: Scripted, remote: FtpsRemote, source: Path) -> None:
    server.files["/in/b.csv"] = DATA[:1000]

    def first(session: Session, name: str) -> bool:
        del session.server.answers["STOR"]
        session.rest = 0
        session.say("451 Append/Restart not permitted, try again")
        return True

    server.answers["STOR"] = first
    remote.put(source, "b.csv", offset=1000)
    assert server.files["/in/b.csv"] == DATA


def test_without_rest_a_download_begins_anew(server: Scripted, pem: tuple[Path, Path], tmp_path: Path) -> None:
    server.features.remove("REST STREAM")
    (tmp_path / "back").write_bytes(b"x" * 10)
    with FtpsRemote(place(server, pem)) as remote:
        assert remote.get("a.csv", tmp_path / "back", offset=10) == len(DATA)
    assert (tmp_path / "back").read_bytes() == DATA


# TLS -----------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("C4")
def test_data_connections_reuse_the_session(server: Scripted, remote: FtpsRemote, source: Path, tmp_path: Path) -> None:
    for name in ("x", "y"):
        remote.put(source, name)
    remote.get("a.csv", tmp_path / "back")
    remote.list()
    assert server.reused == [True] * 4


def test_a_certificate_that_is_not_trusted_is_refused(server: Scripted, pem: tuple[Path, Path]) -> None:
    error = refused(lambda: FtpsRemote(place(server, None)))
    assert error.code == "TRANSPORT_TLS" and "not trusted" in error.message
    assert "PASS" not in server.said and "USER u" not in server.said
    with FtpsRemote(place(server, None, verify="off")) as remote:
        assert remote.size("a.csv") == len(DATA)


def test_a_certificate_of_another_host_is_refused(pem: tuple[Path, Path]) -> None:
    with Scripted(pem, host="127.0.0.3") as server:
        error = refused(lambda: FtpsRemote(place(server, pem, host="127.0.0.3")))
        assert error.code == "TRANSPORT_TLS" and "PASS" not in server.said


def test_certificates_that_are_not_there_are_said(server: Scripted) -> None:
    with pytest.raises(ConfigError, match="could not read the certificates in /none"):
        FtpsRemote(place(server, None, verify="/none"))


def test_no_password_goes_to_a_server_without_tls() -> None:
    with Scripted(None) as server:
        error = refused(lambda: FtpsRemote(place(server, None)))
        assert error.code == "TRANSPORT_TLS" and "offers no TLS" in error.message
        assert "PASS" not in server.said


def test_what_is_said_before_tls_is_not_heard(server: Scripted, pem: tuple[Path, Path]) -> None:
    def injected(session: Session, _: str) -> bool:
        # Somebody between puts an answer behind the server's: it must not count for the login.
        session.connection.sendall(b"234 go on\r\n230 already logged in\r\n")
        session._begin_tls()
        return True

    server.answers["AUTH"] = injected
    try:
        with FtpsRemote(place(server, pem)):
            assert "PASS" in server.said
    except TransportError as error:
        assert error.code in ("TRANSPORT_TLS", "TRANSPORT_CUT")


@pytest.mark.feature("C2")
def test_implicit_tls(pem: tuple[Path, Path], source: Path) -> None:
    with Scripted(pem, implicit=True) as server, FtpsRemote(place(server, pem)) as remote:
        remote.put(source, "b.csv")
        assert server.files["/in/b.csv"] == DATA
        assert not any(line.startswith("AUTH") for line in server.said)


def test_explicit_and_implicit_mixed_up_are_told_apart(server: Scripted, pem: tuple[Path, Path]) -> None:
    error = refused(lambda: FtpsRemote(place(server, pem, scheme="ftps-implicit")))
    assert error.code == "TRANSPORT_TLS" and "Perhaps the scheme is ftps" in error.hints[0].text


# Addresses -----------------------------------------------------------------------------------------------------------


@pytest.mark.feature("C7", "C8")
def test_a_balancer_sends_data_to_another_address(server: Scripted, pem: tuple[Path, Path]) -> None:
    server.data_at, server.named = "127.0.0.2", "127,0,0,2"
    error = refused(lambda: FtpsRemote(place(server, pem)).list())
    assert error.code == "TRANSPORT_CONNECT"
    assert "trust_address = true" in error.hints[0].text
    with FtpsRemote(place(server, pem, trust_address=True)) as remote:
        assert [entry.name for entry in remote.list()] == ["a.csv"]


def test_a_private_address_behind_nat_is_not_followed(server: Scripted, remote: FtpsRemote) -> None:
    server.named = "10,1,2,3"
    assert len(remote.list()) == 1


def test_a_server_that_knows_only_epsv(server: Scripted, remote: FtpsRemote) -> None:
    server.answers["PASV"] = lambda session, _: session.say("502 not here") is None
    assert len(remote.list()) == 1


def test_ipv6(pem: tuple[Path, Path]) -> None:
    try:
        server = Scripted(pem, host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server, FtpsRemote(place(server, pem, host="::1")) as remote:
        server.files["/in/a.csv"] = DATA
        assert len(remote.list()) == 1
        assert "EPSV" in server.said and "PASV" not in server.said


# Words of the server -------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_not_tried_again(server: Scripted, pem: tuple[Path, Path]) -> None:
    error = refused(lambda: FtpsRemote(place(server, pem, password=Secret("wrong"))))
    assert error.code == "TRANSPORT_LOGIN" and not error.passing
    assert "wrong" not in str(error.as_dict())


@pytest.mark.parametrize(
    ("words", "code", "passing"),
    [
        ("421 Too many connections", "TRANSPORT_BUSY", True),
        ("450 Try later", "TRANSPORT_BUSY", True),
        ("426 Connection closed", "TRANSPORT_CUT", True),
        ("550 Permission denied", "TRANSPORT_REFUSED", False),
        ("553 Name not allowed", "TRANSPORT_REFUSED", False),
    ],
)
def test_refusals_that_pass_and_those_that_do_not(
    server: Scripted, remote: FtpsRemote, tmp_path: Path, words: str, code: str, passing: bool
) -> None:
    server.answers["RETR"] = lambda session, _: session.say(words) is None
    error = refused(lambda: remote.get("a.csv", tmp_path / "back"))
    assert (error.code, error.passing) == (code, passing)
    assert words in error.message
    del server.answers["RETR"]
    assert remote.get("a.csv", tmp_path / "back") == len(DATA)


def test_550_of_a_file_that_is_not_there_is_not_found(remote: FtpsRemote, server: Scripted) -> None:
    with pytest.raises(NotFound):
        remote.delete("none.csv")  # says "Delete operation failed."
    with pytest.raises(NotFound):
        remote.rename("none.csv", "b.csv")  # says "Can't rename"
    assert server.logins == 1


@pytest.mark.parametrize("name", ["a\r\nDELE x", "a\nb", "a\0b"])
def test_no_line_ends_in_names(remote: FtpsRemote, server: Scripted, name: str) -> None:
    assert refused(lambda: remote.delete(name)).code == "TRANSPORT_REFUSED"
    assert not any("DELE" in line for line in server.said)


def test_a_path_without_a_slash_is_below_the_logins_folder(server: Scripted, pem: tuple[Path, Path]) -> None:
    server.files["/home/in/b.csv"] = b"x"
    with FtpsRemote(place(server, pem, path="in")) as remote:
        assert [entry.name for entry in remote.list()] == ["b.csv"]
        assert remote.size("b.csv") == 1


def test_nothing_listens(pem: tuple[Path, Path], server: Scripted) -> None:
    error = refused(lambda: FtpsRemote(place(server, pem, port=1)))
    assert error.code == "TRANSPORT_CONNECT" and "nothing listens at 127.0.0.1:1" in error.message
    unknown = refused(lambda: FtpsRemote(place(server, pem, host="no-such-host.invalid")))
    assert unknown.code == "TRANSPORT_CONNECT" and "not known" in unknown.message


def test_an_answer_that_is_none(server: Scripted, pem: tuple[Path, Path]) -> None:
    server.answers["FEAT"] = lambda session, _: session.say("hello there") is None
    assert "none of FTP" in refused(lambda: FtpsRemote(place(server, pem))).message


# Listings and hashes -------------------------------------------------------------------------------------------------


def test_without_mlsd_there_is_list_and_mdtm(server: Scripted, pem: tuple[Path, Path]) -> None:
    server.features.remove("MLST type*;size*;modify*;")
    with FtpsRemote(place(server, pem)) as remote:
        [entry] = remote.list()
    assert (entry.name, entry.bytes) == ("a.csv", len(DATA))
    assert entry.modified is not None and entry.modified.isoformat() == "2026-11-21T02:03:04+00:00"


def test_mlsd_that_is_promised_and_refused(server: Scripted, remote: FtpsRemote) -> None:
    server.answers["MLSD"] = lambda session, _: session.say("502 not implemented") is None
    assert [entry.name for entry in remote.list()] == ["a.csv"]


def test_a_listing_that_was_cut_is_an_error(server: Scripted, remote: FtpsRemote) -> None:
    server.files |= {f"/in/{count}.csv": b"x" for count in range(100)}
    server.end = "half"
    assert refused(remote.list).code == "TRANSPORT_CUT"


def test_names_that_are_not_utf_8_come_back_as_they_were(server: Scripted, remote: FtpsRemote, tmp_path: Path) -> None:
    name = b"Gr\xfc\xdfe.csv".decode("utf-8", "surrogateescape")
    server.files[f"/in/{name}"] = b"x"
    server.answers["MLSD"] = lambda session, _: session.give(b"type=file;size=1; Gr\xfc\xdfe.csv\r\n") is None
    assert [entry.name for entry in remote.list()] == [name]
    assert remote.get(name, tmp_path / "back") == 1


def test_hashes_where_there_are_any(server: Scripted, pem: tuple[Path, Path], source: Path) -> None:
    import hashlib

    with FtpsRemote(place(server, pem)) as remote:
        assert remote.sha256("a.csv") is None
    server.features.append("HASH SHA-1;SHA-256*;MD5")
    with FtpsRemote(place(server, pem)) as remote:
        assert remote.sha256("a.csv") == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("right", [True, False])
def test_a_crc_is_compared_after_an_upload(server: Scripted, pem: tuple[Path, Path], source: Path, right: bool) -> None:
    server.features.append("XCRC filename;start;end")
    value = zlib.crc32(DATA) ^ (0 if right else 1)
    server.answers["XCRC"] = lambda session, _: session.say(f"250 {value:08X}") is None
    with FtpsRemote(place(server, pem)) as remote:
        outcome: AbstractContextManager[object] = pytest.raises(TransportError, match="another checksum")
        if right:
            remote.put(source, "b.csv")
        else:
            with outcome:
                remote.put(source, "b.csv")


def test_a_connection_that_is_reset_before_tls_leaves_no_socket_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        connection = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        select.select([connection], [], [], 30)
        try:
            ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
        except OSError as error:
            assert connection.fileno() == -1, "the library has taken the descriptor"
            _close_half_made(error)
        gc.collect()
    assert not [each.message for each in told]
