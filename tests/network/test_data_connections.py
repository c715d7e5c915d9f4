"""Data connections: stolen, bounced, opened in numbers, left alone; and resumes at places that don't exist."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time

import pytest

from network.lab import GOOD, OTHER, OTHER_PASSWORD, Lab
from network.service import Tables

# A handshake with a peer that has just reset the connection leaves a socket to the collector, in the library itself.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)

THIEF = "127.0.0.9"
SECRET = b"what only the partner may read\n" * 100


@pytest.fixture(scope="module")
def settings() -> Tables:
    return {"ftps": {"stall_timeout": 2, "connect_timeout": 3}}


@pytest.mark.feature("C3")
def test_active_mode_is_refused_with_a_word_on_what_to_do(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as victim:
        victim.settimeout(0.5)
        port = victim.getsockname()[1]
        with lab.session() as talk:
            for command in (
                f"PORT 127,0,0,1,{port // 256},{port % 256}",
                f"EPRT |1|127.0.0.1|{port}|",
                "PORT 10,0,0,1,0,22",
                "PORT 1,2,3",
                "PORT 999,999,999,999,999,999",
                "EPRT |2|::1|22|",
                "EPRT rubbish",
                "LPRT 4,4,127,0,0,1,2,0,22",
            ):
                said = talk.say(command)
                assert 500 <= said.code < 600, said
                if command.startswith(("PORT 127", "EPRT |1")):
                    assert "PASV" in said.text or "passive" in said.text.lower(), said
            assert talk.say(f"STOR {lab.name()}").code in (425, 503, 421)
        with pytest.raises(TimeoutError):
            victim.accept()


def test_a_data_connection_that_nobody_needed_is_not_spoken_of(lab: Lab) -> None:
    """Real clients connect first and then ask for a file: where there is none, one reply comes and no second."""
    with lab.session() as talk:
        for command in ("RETR not-there.csv", "MLSD not-there", "STOR not-there/x.csv", "NOOP"):
            data = talk.plug(talk.passive())
            said = talk.say(command)
            assert said.code >= 500 or command == "NOOP", said
            data.close()
            time.sleep(0.1)
            assert talk.say("PWD").code == 257, talk.all[-3:]
        data = talk.plug(talk.passive())
        data.sendall(b"this is no handshake")
        time.sleep(0.2)
        assert talk.say("NOOP").code == 200
        assert talk.say(f"STOR {lab.name()}").code in (425, 522)
        data.close()
        assert talk.store(lab.name(), GOOD.encode()).code == 226


def test_a_thief_at_another_address_gets_no_data_connection(lab: Lab) -> None:
    name = lab.name()
    with lab.session() as talk:
        port = talk.passive()
        got = b""
        with contextlib.suppress(OSError):
            thief = socket.create_connection(("127.0.0.1", port), 5, (THIEF, 0))
            thief.settimeout(3)
            with thief, contextlib.suppress(OSError):
                got = thief.recv(100)
        assert got == b""
        first = talk.say(f"STOR {name}")
        assert first.code in (425, 150, 125), first
        if first.code != 425:
            with contextlib.suppress(OSError), talk.wrap(talk.plug(port)) as data:
                data.sendall(GOOD.encode())
                data.unwrap()
            assert talk.reply().code in (226, 425, 426)
    found = [task for task in lab.service.tasks() if task.filename == name]
    assert all(task.bytes == len(GOOD) for task in found)


def test_a_thief_of_another_session_cannot_send_in_a_partners_name(lab: Lab) -> None:
    """From the partner's own address, as behind one NAT: with a session of his own, and plainly."""
    for secure in (True, False):
        name = lab.name()
        with lab.session() as talk, lab.session(login=OTHER, password=OTHER_PASSWORD) as other:
            port = talk.passive()
            data = other.plug(port)
            first = talk.say(f"STOR {name}")
            forged = b"id,item_name\nEVIL,Evil\n"
            with contextlib.suppress(OSError):
                if secure:
                    with other.wrap(data) as line:
                        line.sendall(forged)
                        line.unwrap()
                else:
                    data.sendall(forged)
                    data.shutdown(socket.SHUT_WR)
                    data.recv(100)
            data.close()
            if not secure and first.code in (125, 150):
                assert talk.reply().code in (425, 426, 522), talk.all[-1]
        found = [task for task in lab.service.tasks() if task.filename == name]
        if not secure:
            assert found == []


def test_plain_data_is_never_taken_nor_given(lab: Lab) -> None:
    with lab.session() as talk:
        assert talk.store("secret.tmp", SECRET).code == 226
        for command in ("RETR secret.tmp", "MLSD", f"STOR {lab.name()}"):
            data = talk.plug(talk.passive())
            data.settimeout(2)
            first = talk.say(command)
            if first.code in (125, 150):
                found = b""
                with contextlib.suppress(OSError):
                    data.sendall(GOOD.encode())
                    data.shutdown(socket.SHUT_WR)
                    while block := data.recv(4096):
                        found += block
                assert SECRET[:20] not in found and b"type=" not in found
                assert talk.reply().code in (425, 426, 522), talk.all[-1]
            data.close()
        assert talk.say("PROT C").code >= 500
        assert talk.say("DELE secret.tmp").code == 250


def test_resumes_at_places_that_do_not_exist(lab: Lab) -> None:
    with lab.session() as talk:
        assert talk.store("there.tmp", SECRET).code == 226
        for mark in ("-1", "x", "", "99999999999999999999999", "1e9", "0x10", " 5 5"):
            said = talk.say(f"REST {mark}")
            assert 500 <= said.code < 600 or said.code == 350, said
            if said.code == 350:
                assert 500 <= talk.transfer(f"STOR {lab.name()}")[0].code < 600, mark
        name = lab.name()
        assert talk.say("REST 1000").code == 350
        first, data = talk.transfer(f"STOR {name}")
        if data is not None:
            data.close()
            first = talk.reply()
        assert 500 <= first.code < 600, first
        assert talk.say(f"REST {len(SECRET) + 1}").code == 350
        first, data = talk.transfer("RETR there.tmp")
        if data is not None:
            with data:
                assert data.recv(100) == b""
            first = talk.reply()
        assert first.code >= 500 or first.code == 226
        assert talk.say("DELE there.tmp").code == 250
        assert name not in lab.names_in_ledger()
        assert not (lab.home / name).exists()


def test_appending_to_a_feed_that_arrived_is_refused(lab: Lab) -> None:
    with lab.session() as talk:
        name = lab.name()
        assert talk.store(name, GOOD.encode()).code == 226
        for command in ("APPE", "STOR"):
            said = talk.store(name, b"B2,Two\n", command)
            # The file may have been worked off and moved away; then the name is free and this is another file.
            assert said.code in (550, 553) or not (lab.home / name).exists()
        assert lab.names_in_ledger().count(name) >= 1


def test_data_ports_that_nobody_uses_are_given_back(lab: Lab) -> None:
    talks = [lab.session() for _ in range(10)]
    for talk in talks:
        talk.passive()
    # All ten are taken; the eleventh waits, and gets one when an older one has waited long enough.
    with lab.session() as talk:
        began = time.monotonic()
        said = talk.store(lab.name(), GOOD.encode()) if talk.passive() else None
        assert said is not None and said.code == 226
        assert time.monotonic() - began < 120


def test_a_second_passive_command_frees_the_first_port(lab: Lab) -> None:
    with lab.session() as talk:
        for _ in range(40):
            port = talk.passive()
            assert port in lab.service.passive
        assert talk.store(lab.name(), GOOD.encode()).code == 226


@pytest.mark.feature("C6")
def test_a_data_connection_that_is_left_alone_is_ended(lab: Lab) -> None:
    with lab.session() as talk:
        name = lab.name()
        first, data = talk.transfer(f"STOR {name}")
        assert first.code in (125, 150) and data is not None
        data.sendall(b"id,item_name\n")
        said = talk.reply()
        assert said.code in (421, 425, 426, 451), said
        data.close()
        assert name not in lab.names_in_ledger()
        assert not (lab.home / name).exists()


def test_the_session_of_another_login_cannot_be_resumed(lab: Lab) -> None:
    with lab.session() as talk, lab.session(login=OTHER, password=OTHER_PASSWORD) as other:
        assert isinstance(other.sock, ssl.SSLSocket)
        name = lab.name()
        first, _ = None, None
        port = talk.passive()
        data = talk.plug(port)
        first = talk.say(f"STOR {name}")
        assert first.code in (125, 150)
        with contextlib.suppress(OSError, ValueError):
            line = talk.context.wrap_socket(data, server_hostname=talk.host, session=other.sock.session)
            assert not line.session_reused
            line.close()
        data.close()
        talk.reply()


def test_uploads_and_their_end_at_the_same_moment(lab: Lab) -> None:
    """ABOR, QUIT and an RST in the middle: nothing lands, nothing is left open."""
    for end in ("ABOR", "QUIT", "RST", "both"):
        talk = lab.session()
        name = lab.name()
        _, data = talk.transfer(f"STOR {name}")
        assert data is not None
        data.sendall(b"id,item_name\n" * 1000)
        if end in ("ABOR", "QUIT"):
            talk.write(f"{end}\r\n".encode())
            data.close()
            codes = [talk.reply().code for _ in range(2 if end == "ABOR" else 1)]
            assert codes[0] in (426, 225, 226, 221, 421), codes
        else:
            if end == "both":
                threading.Thread(target=data.close).start()
            talk.vanish()
            data.close()
        talk.close()
        assert name not in lab.names_in_ledger()
