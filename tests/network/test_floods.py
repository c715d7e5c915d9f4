"""Floods: commands, connections, logins and lines without end; the one who floods is stopped, the others are served."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from network.lab import GOOD, LOGIN, PASSWORD, Lab
from network.processes import holding
from network.service import Tables
from network.talk import Talk
from soak.clients import vanish

FLOODER = "127.0.0.9"


@pytest.fixture(scope="module")
def settings() -> Tables:
    return {
        "accounts": {"ban_score": 6, "ban_time": 3},
        "ftps": {"login_timeout": 10, "max_sessions": 60, "max_per_address": 20},
    }


def test_a_line_without_end_takes_no_memory(lab: Lab) -> None:
    pid = lab.service.part("ftps")
    before = holding(pid)
    talk = lab.talk(source=FLOODER)
    sent = 0
    with contextlib.suppress(OSError):
        talk.sock.settimeout(5)
        for _ in range(600):
            talk.sock.sendall(b"A" * 65536)
            sent += 65536
    after = holding(pid)
    assert before is not None and after is not None
    assert after.rss - before.rss < 16 << 20, (sent, before, after)


@pytest.mark.parametrize("size", [600, 5000, 100_000])
def test_a_command_that_is_too_long_is_refused(lab: Lab, size: int) -> None:
    with lab.session() as talk:
        for verb in (b"STOR ", b"USER ", b"NOOP "):
            said = talk.say(verb + b"a" * size)
            if said.code == 0:
                break
            assert 500 <= said.code < 600 or (verb == b"NOOP " and said.code == 200), said


def test_a_flood_of_commands_delays_nobody(lab: Lab) -> None:
    talk = lab.session(source=FLOODER)
    stop = threading.Event()

    def flood() -> None:
        talk.sock.settimeout(1)
        with contextlib.suppress(OSError):
            while not stop.is_set():
                talk.sock.sendall(b"NOOP\r\nFEAT\r\nSYST\r\n" * 200)

    flooder = threading.Thread(target=flood)
    flooder.start()
    try:
        for _ in range(3):
            lab.serves()
    finally:
        stop.set()
        flooder.join()
        talk.vanish()


def test_pipelined_commands_are_answered_in_order(lab: Lab) -> None:
    with lab.session() as talk:
        talk.write(b"NOOP\r\nPWD\r\nSYST\r\n" * 100)
        assert [talk.reply().code for _ in range(300)] == [200, 257, 215] * 100


def test_a_flood_of_connections_leaves_room_for_others(lab: Lab) -> None:
    held: list[socket.socket] = []
    refused = 0
    try:
        for _ in range(60):
            one = socket.create_connection(("127.0.0.1", lab.service.port), 5, (FLOODER, 0))
            held.append(one)
            greeting = one.recv(3)
            refused += greeting != b"220"
        assert refused >= 60 - 20
        lab.serves()
    finally:
        for one in held:
            one.close()


def test_connections_that_are_gone_at_once_leave_nothing(lab: Lab) -> None:
    """An RST right after connecting, as port scanners and health checks send it."""
    idle = holding(lab.service.part("ftps"))
    assert idle is not None
    for _ in range(100):
        one = socket.create_connection(("127.0.0.1", lab.service.port), 5, ("127.0.0.8", 0))
        vanish(one)
    lab.comes_to_rest(idle)
    lab.serves()


def test_connections_that_say_nothing_are_ended(lab: Lab) -> None:
    talks = [lab.talk(source="127.0.0.8") for _ in range(5)]
    secured = lab.talk(source="127.0.0.8")
    secured.secure()
    named = lab.talk(source="127.0.0.8")
    named.secure()
    named.say(f"USER {LOGIN}")
    began = time.monotonic()
    for talk in [*talks, secured, named]:
        said = talk.reply()
        assert said.code in (0, 421), said
    assert time.monotonic() - began < 120


def test_a_handshake_that_never_ends_is_ended(lab: Lab) -> None:
    talk = lab.talk(source="127.0.0.8")
    assert talk.say("AUTH TLS").code == 234
    talk.write(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
    began = time.monotonic()
    heard = b""
    with contextlib.suppress(ConnectionError):
        while block := talk.sock.recv(100):
            heard += block
    # Nothing, or alerts (records of type 21): no handshake was answered.
    assert heard[:1] in (b"", b"\x15"), heard
    assert time.monotonic() - began < 120
    lab.serves()


def test_rubbish_instead_of_a_handshake_harms_nobody(lab: Lab) -> None:
    for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 5000, b"\x16\x03\x01" + b"\xff" * 3000):
        talk = lab.talk(source="127.0.0.8")
        assert talk.say("AUTH TLS").code == 234
        with contextlib.suppress(OSError):
            talk.write(rubbish)
            while talk.sock.recv(4096):
                pass
    talk = Talk("127.0.0.1", lab.service.port, source="127.0.0.8")
    assert talk.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200).code in (0, 500, 501)
    talk.close()


@pytest.mark.feature("C9")
def test_who_guesses_passwords_is_banned_for_a_while_and_nobody_else_is(lab: Lab) -> None:
    source = "127.0.0.7"
    codes = []
    for _ in range(12):
        try:
            talk = lab.talk(source=source)
        except (OSError, ValueError):
            codes.append(0)
            break
        if talk.greeting.code != 220:
            codes.append(talk.greeting.code)
            break
        codes.append(talk.login(LOGIN, "wrong").code)
        talk.close()
    assert codes[-1] in (0, 421), codes
    assert 3 <= codes.count(530) <= 7, codes
    lab.serves(source="127.0.0.6")
    until = time.monotonic() + 60
    while True:
        talk = lab.talk(source=source)
        if talk.greeting.code == 220:
            break
        talk.close()
        assert time.monotonic() < until
        time.sleep(0.2)
    assert talk.login(LOGIN, PASSWORD).code == 230


def test_unknown_and_known_logins_are_told_the_same(lab: Lab) -> None:
    said = []
    for name in (LOGIN, "nobody@example.com"):
        with lab.talk(source="127.0.0.5") as talk:
            said.append([reply._replace(text=reply.text.replace(name, "?")) for reply in _guess(talk, name)])
    assert said[0] == said[1]


def _guess(talk: Talk, name: str) -> list[object]:
    talk.secure()
    return [talk.say(f"USER {name}"), talk.say("PASS not the one")]


def test_a_name_with_control_characters_does_not_reach_the_log_as_lines(lab: Lab) -> None:
    with lab.talk(source="127.0.0.4") as talk:
        talk.secure()
        talk.say(b'USER evil"}\x0b{"event":"forged"')
        assert talk.say(b"PASS x\x1b[2J").code >= 500
    log = lab.service.log.read_text()
    assert not any(line.lstrip().startswith('{"event":"forged"') for line in log.splitlines())
    assert "\x1b" not in log and "PASS" not in log


def test_many_sessions_of_one_partner_at_once(lab: Lab) -> None:
    talks = [lab.session() for _ in range(15)]
    names = [lab.name() for _ in talks]
    said = []
    threads = [
        threading.Thread(target=lambda talk=talk, name=name: said.append(talk.store(name, GOOD.encode()).code))
        for talk, name in zip(talks, names, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [226] * 15
    assert sorted(set(lab.names_in_ledger()) & set(names)) == sorted(names)
