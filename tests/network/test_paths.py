"""Hostile paths: whatever a partner writes for a path, it stays in its home, and learns nothing of what is outside."""

from __future__ import annotations

import os
import socket

import pytest

from network.lab import GOOD, KEY, LOGIN, Lab

pytestmark = pytest.mark.feature("P14", "C2")

CLIMBING = [
    b"../canary.txt",
    b"../../canary.txt",
    b"/../../../canary.txt",
    b"in/../../canary.txt",
    b"../other/canary.txt",
    b"/../other/canary.txt",
    b"....//canary.txt",
    b"..\\canary.txt",
    b"%2e%2e/canary.txt",
    b"%2e%2e%2fcanary.txt",
    b"\xc0\xae\xc0\xae/canary.txt",  # overlong UTF-8
    "．．/canary.txt".encode(),  # full-width dots, which NFKC makes plain
    b"//canary.txt",
    b"~/canary.txt",
    b"~root/canary.txt",
    b"/proc/self/environ",
    b"/etc/passwd",
]
BROKEN = [
    b"a\x00b.csv",
    b"\x00",
    b"a\rb.csv",
    b"a\x01b.csv",
    b"a\x1b[31mb.csv",
    b"a\x7fb.csv",
    b"\xff\xfe.csv",
    b"a\xed\xa0\x80b.csv",  # half a surrogate pair
    b"x" * 256,
    b"x" * 1000,
    "ü".encode() * 200,  # 200 letters, 400 bytes
    b"/".join([b"d"] * 400),
]
READING = ["RETR", "SIZE", "MDTM", "MLST", "MLSD", "LIST", "NLST", "STAT", "CWD", "XMD5", "HASH", "XSHA256"]
CHANGING = ["DELE", "RMD", "MKD", "RNFR", "MFMT 20200101000000", "SITE CHMOD 777", "APPE", "STOU"]


def test_nothing_outside_is_read(lab: Lab, outside: None) -> None:
    with lab.session() as talk:
        for path in CLIMBING:
            for verb in READING:
                found = b""
                if verb in ("RETR", "MLSD", "LIST", "NLST"):
                    said, found = talk.fetch(verb.encode() + b" " + path)
                else:
                    said = talk.say(verb.encode() + b" " + path)
                assert b"canary" not in found and b"root:" not in found, (path, found)
                assert said.code >= 400 or verb in ("CWD", "LIST", "MLSD", "NLST"), (path, verb, said)
            assert talk.say("CWD /").code == 250


def test_nothing_outside_is_changed(lab: Lab, outside: None) -> None:
    for path in CLIMBING:
        with lab.session() as talk:
            for verb in CHANGING:
                talk.say(verb.encode() + b" " + path)
            assert talk.say("NOOP").code == 200, path


def test_impossible_names_are_refused(lab: Lab) -> None:
    with lab.session() as talk:
        before = set(os.listdir(lab.home))
        talk.store("plain.tmp", b"x")
        for path in BROKEN:
            for verb in [*READING, *CHANGING, "STOR"]:
                said = talk.say(verb.encode() + b" " + path)
                assert 400 <= said.code < 600, (path, verb, said)
            # A rename to such a name, too.
            assert talk.say("RNFR plain.tmp").code == 350
            said = talk.say(b"RNTO " + path)
            assert 500 <= said.code < 600, (path, said)
            assert talk.say("NOOP").code == 200
        assert talk.say("DELE plain.tmp").code == 250
        # Feeds of other tests may have gone to their folder meanwhile.
        assert set(os.listdir(lab.home)) <= before


def test_a_path_of_ten_thousand_folders_is_refused(lab: Lab) -> None:
    with lab.session() as talk:
        for verb in ("CWD", "STOR", "MKD", "SIZE"):
            said = talk.say(verb.encode() + b" " + b"/".join([b"d"] * 10_000))
            assert said.code == 0 or 400 <= said.code < 600, said
            if said.code == 0:
                return


def test_folders_cannot_be_made_deeper_and_deeper_for_ever(lab: Lab) -> None:
    with lab.session() as talk:
        said = [talk.say("MKD deep").code, talk.say("CWD deep").code]
        while said[-2:] == [257, 250] and len(said) < 2000:
            said += [talk.say("MKD deep").code, talk.say("CWD deep").code]
        assert said[-1] >= 400 or len(said) == 2000
        # However deep it went, the server goes on, and everything can be listed and taken away again.
        assert talk.say("CWD /").code == 250
        assert talk.fetch("LIST")[0].code == 226


def test_two_spellings_of_one_name_are_one_file(lab: Lab) -> None:
    with lab.session() as talk:
        assert talk.store("r\u00e9sum\u00e9.tmp", b"first").code == 226
        assert talk.say("SIZE re\u0301sume\u0301.tmp").text == "213 5"
        assert talk.say("DELE re\u0301sume\u0301.tmp").code == 250


def test_planted_links_lead_nowhere(lab: Lab, outside: None) -> None:
    links = {"up": "..", "root": "/", "file": "../canary.txt", "other": "../other", "nowhere": "not-there"}
    for name, target in links.items():
        (lab.home / name).symlink_to(target)
    os.mkfifo(lab.home / "fifo")
    plug = socket.socket(socket.AF_UNIX)
    os.chdir(lab.home) if len(str(lab.home)) > 90 else None
    plug.bind("plug" if len(str(lab.home)) > 90 else str(lab.home / "plug"))
    try:
        with lab.session() as talk:
            listed = talk.fetch("MLSD")[1] + talk.fetch("LIST")[1] + talk.fetch("NLST")[1]
            for name in [*links, "fifo", "plug"]:
                assert f" {name}\r\n".encode() not in listed and f"\n{name}\r\n".encode() not in listed
                for verb in ("RETR", "SIZE", "CWD", "MDTM", "DELE", "RMD", "RNFR", "MFMT 20200101000000", "MLST"):
                    said = talk.say(f"{verb} {name}")
                    assert 400 <= said.code < 600, (verb, said)
                assert 500 <= talk.store(name, GOOD.encode()).code < 600
            for inner in ("up/other/x.csv", "root/tmp/x.csv", "other/x.csv", "nowhere/x.csv"):
                assert 500 <= talk.store(inner, GOOD.encode()).code < 600
                assert 500 <= talk.say(f"MKD {inner}").code < 600
            assert talk.store("plain.tmp", b"x").code == 226
            for inner in ("up/plain.csv", "other/plain.csv", "file"):
                assert talk.say("RNFR plain.tmp").code == 350
                assert 500 <= talk.say(f"RNTO {inner}").code < 600
            assert talk.say("DELE plain.tmp").code == 250
    finally:
        plug.close()
        for name in [*links, "fifo", "plug"]:
            (lab.home / name).unlink()


@pytest.mark.feature("C12")
def test_feeds_for_a_key_of_somebody_else_are_refused(lab: Lab) -> None:
    name = "key_Other_Products_sync_2026-11-21-00-00-00.csv"
    for folder in ("", "in/"):
        with lab.session() as talk:
            said = talk.store(folder + name, GOOD.encode())
            assert said.code == 553 and "key_Other" in said.text, said
            assert talk.store(f"{folder}feed.tmp", GOOD.encode()).code == 226
            assert talk.say(f"RNFR {folder}feed.tmp").code == 350
            said = talk.say(f"RNTO {folder}{name}")
            assert said.code == 553, said
            assert talk.say(f"DELE {folder}feed.tmp").code == 250
    assert name not in lab.names_in_ledger()
    assert not list(lab.home.rglob("*key_Other*"))


def test_the_engines_own_folders_are_not_written(lab: Lab) -> None:
    with lab.session() as talk:
        for folder in ("processed", "processed_with_errors", "failed", "reports", "export"):
            said = talk.store(f"{folder}/{KEY}_Products_sync_2026-11-21-01-00-00.csv", GOOD.encode())
            assert 500 <= said.code < 600, said


def test_what_a_session_prints_of_paths_is_its_own(lab: Lab) -> None:
    with lab.session() as talk:
        assert talk.say("PWD").text.split('"')[1] == "/"
        for verb in ("STAT", "STAT /", "HELP", "SITE HELP", "SYST", "FEAT", "MLST /"):
            said = talk.say(verb)
            assert LOGIN not in said.text or verb == "STAT"
