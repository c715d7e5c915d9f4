"""The server's certificate: the one that is configured, or for a first try one that is made and signed by itself."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedengine.errors import ConfigError, Hint
from feedengine.transport.whole_folder import appearing

# What browsers' authorities allow at most; clients that check lifetimes accept it.
_DAYS = 397
_WARN_DAYS = 30
_BITS = 2048
_STATE = "The server was not started."


@dataclass(frozen=True)
class Certificate:
    """Files in PEM form. `own` tells one that we made from one that was configured."""

    file: Path
    key: Path
    own: bool = False

    def fingerprint(self) -> str:
        """SHA-256 as `openssl x509 -fingerprint -sha256` prints it."""
        digest = hashlib.sha256(_der(self.file)).hexdigest().upper()
        return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))

    def expires(self) -> datetime:
        """When it stops to be valid, UTC. Raises ConfigError for what is no certificate."""
        try:
            return _not_after(_der(self.file))
        except (IndexError, ValueError):
            raise ConfigError(f"{self.file} holds no X.509 certificate that can be read.", state=_STATE) from None

    def warnings(self, now: datetime | None = None) -> list[str]:
        """What somebody should look at soon: an end that is near or past, a key that others can read."""
        found = []
        end, day = self.expires(), timedelta(days=1)
        left = (end - (now or datetime.now(UTC))) // day
        if left < 0:
            found.append(f"the certificate {self.file} expired on {end:%Y-%m-%d}; clients that verify it refuse it")
        elif left < _WARN_DAYS:
            found.append(f"the certificate {self.file} expires on {end:%Y-%m-%d}, in {left} days")
        if self.key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            found.append(f"every user of this machine can read the private key {self.key}; chmod 640 {self.key}")
        return found


def certificate(store: Path, file: str | None, key: str | None, names: Iterable[str] = ()) -> Certificate:
    """The certificate to serve with. `file` may hold the key too; without one it is made in `store/tls`.

    `names` are host names and addresses that clients use; those of this machine are added. Raises `ConfigError`.
    """
    if file:
        given = Certificate(Path(file), Path(key or file))
        _check(given)
        return given
    if key:
        raise ConfigError("There is a private key, but no certificate for it.", state=_STATE)
    folder = store / "tls"
    made = Certificate(folder / "server.crt", folder / "server.key", own=True)
    if not folder.is_dir():
        _make(folder, names)
    elif made.file.is_file() and made.expires() <= datetime.now(UTC):
        # Nobody's client accepts it any more, so a new one harms nobody.
        folder.rename(folder.with_name(f"tls.{made.expires():%Y-%m-%d}.{os.urandom(3).hex()}"))
        _make(folder, names)
    _check(made)
    return made


def _check(found: Certificate) -> None:
    for path in (found.file, found.key):
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConfigError(f"Could not read {path}: {error.strerror}.", state=_STATE) from error
    try:
        # A passphrase would be asked for on the terminal; a server has none.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(found.file, found.key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "wrong form"
        raise ConfigError(
            f"{found.file} and {found.key} are not a certificate and its private key without a passphrase ({reason}).",
            state=_STATE,
            hints=[Hint("See what it is", ("openssl", "x509", "-in", str(found.file), "-noout", "-text"))],
        ) from error
    found.expires()


def _make(folder: Path, names: Iterable[str]) -> None:
    """Make key and certificate in a folder of their own, which appears whole or not at all."""
    hosts, addresses = _subjects(names)
    with appearing(folder) as part:
        try:
            _with_library(part, hosts, addresses)
        except ImportError:
            _with_program(part, hosts, addresses)
        (part / "server.key").chmod(0o600)
        (part / "server.crt").chmod(0o644)


def _subjects(names: Iterable[str]) -> tuple[list[str], list[str]]:
    hosts: dict[str, None] = {}
    addresses: dict[str, None] = {}
    for name in (*names, socket.gethostname(), socket.getfqdn(), "localhost", "127.0.0.1", "::1"):
        try:
            found = ipaddress.ip_address(name)
        except ValueError:
            if name and name.isascii() and all(char.isalnum() or char in "-.*_" for char in name):
                hosts[name] = None
        else:
            if not found.is_unspecified:
                addresses[str(found)] = None
    return list(hosts), list(addresses)


def _with_library(folder: Path, hosts: list[str], addresses: list[str]) -> None:
    """Raises ImportError where the package is missing."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    # RSA, because old clients know nothing else.
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    now = datetime.now(UTC)
    alternatives = [
        *(x509.DNSName(each) for each in hosts),
        *(x509.IPAddress(ipaddress.ip_address(each)) for each in addresses),
    ]
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(private)
    (folder / "server.crt").write_bytes(made.public_bytes(pem))


def _with_program(folder: Path, hosts: list[str], addresses: list[str]) -> None:
    alternatives = ",".join([*(f"DNS:{each}" for each in hosts), *(f"IP:{each}" for each in addresses)])
    command = [
        *("openssl", "req", "-x509", "-newkey", f"rsa:{_BITS}", "-nodes", "-sha256", "-days", str(_DAYS)),
        *("-subj", f"/CN={hosts[0][:64]}", "-addext", f"subjectAltName={alternatives}"),
        *("-addext", "extendedKeyUsage=serverAuth"),
        *("-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(
            "No certificate is configured, and none could be made: neither the package cryptography nor the program "
            "openssl works here.",
            state=_STATE,
            hints=[
                Hint("Make one elsewhere and name its files in the settings", tuple(command[:10])),
                Hint("Or install the package", ("pip", "install", "cryptography")),
            ],
        ) from error


def _der(path: Path) -> bytes:
    """The first certificate of a PEM file."""
    text = path.read_text("ascii", "replace")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    if begin not in text or end not in text:
        raise ConfigError(f"{path} holds no certificate in PEM form.", state=_STATE)
    try:
        return ssl.PEM_cert_to_DER_cert(begin + text.partition(begin)[2].partition(end)[0] + end)
    except ValueError:
        raise ConfigError(f"{path} holds a damaged certificate.", state=_STATE) from None


def _not_after(data: bytes) -> datetime:
    """The end of a certificate's validity. Raises IndexError or ValueError for what is none.

    Certificate -> tbsCertificate -> [version] serial algorithm issuer validity -> notAfter (RFC 5280, 4.1).
    """
    certificate, _ = _inside(data, 0)
    at, _ = _inside(data, certificate)
    if data[at] == 0xA0:
        at = _after(data, at)
    for _ in range(3):
        at = _after(data, at)
    first, _ = _inside(data, at)
    last = _after(data, first)
    content, end = _inside(data, last)
    form = "%y%m%d%H%M%SZ" if data[last] == 0x17 else "%Y%m%d%H%M%SZ"
    return datetime.strptime(data[content:end].decode("ascii"), form).replace(tzinfo=UTC)


def _inside(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the DER value at `at` begins and ends."""
    length = data[at + 1]
    if length < 0x80:
        return at + 2, at + 2 + length
    count = length & 0x7F
    content = at + 2 + count
    return content, content + int.from_bytes(data[at + 2 : content], "big")


def _after(data: bytes, at: int) -> int:
    return _inside(data, at)[1]
