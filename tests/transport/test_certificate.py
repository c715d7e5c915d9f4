"""The server's certificate: configured ones are checked, a missing one is made, and its end is foretold."""

from __future__ import annotations

import builtins
import shutil
import ssl
import stat
import subprocess
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedengine.errors import ConfigError
from feedengine.transport import certificate as module
from feedengine.transport.certificate import Certificate, certificate

OPENSSL = shutil.which("openssl")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("store"), None, None, ["feeds.example.com", "192.0.2.7", "0.0.0.0", "ü"])


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)


def names(made: Certificate) -> set[str]:
    # The one way of the standard library to read a certificate that no connection has shown.
    found = ssl._ssl._test_decode_cert(str(made.file))  # type: ignore[attr-defined]
    return {value for _, value in found["subjectAltName"]}


@pytest.mark.feature("C42")
def test_one_is_made_where_none_is_configured(made: Certificate) -> None:
    assert made.own and made.file.parent.name == "tls"
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert {"feeds.example.com", "192.0.2.7", "localhost", "127.0.0.1"} <= names(made)
    assert "0.0.0.0" not in names(made)
    left = made.expires() - datetime.now(UTC)
    assert timedelta(days=395) < left <= timedelta(days=398)
    assert made.warnings() == []


def test_it_is_kept_from_start_to_start(made: Certificate) -> None:
    again = certificate(made.file.parent.parent, None, None)
    assert again == made and again.fingerprint() == made.fingerprint()


def test_a_client_that_trusts_it_connects(made: Certificate) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.file, made.key)
    client = ssl.create_default_context(cafile=str(made.file))
    to_server, to_client, server_in, client_in = (ssl.MemoryBIO() for _ in range(4))
    one = client.wrap_bio(to_client, to_server, server_hostname="feeds.example.com")
    other = server.wrap_bio(server_in, client_in, server_side=True)
    for _ in range(5):
        for side in (one, other):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
            server_in.write(to_server.read())
            to_client.write(client_in.read())
    assert one.getpeercert() and one.version() == "TLSv1.3"


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
def test_openssl_agrees_about_fingerprint_and_end(made: Certificate) -> None:
    command = [OPENSSL or "", "x509", "-in", str(made.file), "-noout", "-fingerprint", "-sha256", "-enddate"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert made.fingerprint() in told
    assert f"notAfter={made.expires():%b} {made.expires().day:>2} {made.expires():%H:%M:%S %Y} GMT" in told


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
def test_the_openssl_program_makes_one_too(tmp_path: Path, without_library: None) -> None:
    made = certificate(tmp_path, None, None, ["feeds.example.com", "192.0.2.7"])
    assert {"feeds.example.com", "192.0.2.7", "localhost"} <= names(made)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600 and made.warnings() == []


def test_without_any_means_the_command_is_told(
    tmp_path: Path, without_library: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError) as refused:
        certificate(tmp_path, None, None)
    assert refused.value.hints[0].argv[:3] == ("openssl", "req", "-x509")
    assert list(tmp_path.iterdir()) == []


def test_its_end_is_foretold(made: Certificate) -> None:
    end = made.expires()
    assert made.warnings(end - timedelta(days=31)) == []
    assert "in 29 days" in made.warnings(end - timedelta(days=29, hours=12))[0]
    assert "expired" in made.warnings(end + timedelta(days=1))[0]


def test_an_own_one_that_expired_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DAYS", 0)
    first = certificate(tmp_path, None, None)
    old = first.fingerprint()
    monkeypatch.setattr(module, "_DAYS", 397)
    second = certificate(tmp_path, None, None)
    assert second.fingerprint() != old and second.warnings() == []
    assert [path.name.split(".")[0] for path in sorted(tmp_path.iterdir())] == ["tls", "tls"]


def test_two_that_start_at_once_make_one(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(certificate(tmp_path, None, None).fingerprint()))
        for _ in range(3)
    ]  # fmt: skip
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 3 and len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tls"]


def test_a_configured_one_may_be_one_file(made: Certificate, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(made.key.read_bytes() + made.file.read_bytes())
    both.chmod(0o600)
    found = certificate(tmp_path, str(both), None)
    assert found == Certificate(both, both) and found.fingerprint() == made.fingerprint() and found.warnings() == []
    both.chmod(0o644)
    assert "private key" in found.warnings()[0]


def test_what_does_not_fit_is_an_error(made: Certificate, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = certificate(tmp_path / "other", None, None)
    (tmp_path / "text").write_text("no certificate")
    (tmp_path / "cut.pem").write_bytes(made.file.read_bytes()[:300] + b"\n-----END CERTIFICATE-----\n")
    for file, key in (
        (str(made.file), str(other.key)),
        (str(made.file), None),
        (str(tmp_path / "text"), str(made.key)),
        (str(tmp_path / "cut.pem"), str(made.key)),
        (str(tmp_path / "missing"), str(made.key)),
        (None, str(made.key)),
    ):
        with pytest.raises(ConfigError):
            certificate(tmp_path, file, key)
