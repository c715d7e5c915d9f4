"""The server's SSH keys: those that are configured, or a pair that is made once, because clients remember them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import asyncssh

from feedengine.errors import ConfigError
from feedengine.transport.whole_folder import appearing

# Old clients know RSA only; the others prefer Ed25519.
_KINDS: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("ed25519", "ssh-ed25519", {}),
    ("rsa", "ssh-rsa", {"key_size": 3072}),
)
_STATE = "The SFTP server was not started."


def host_keys(store: Path, files: Sequence[Path]) -> list[asyncssh.SSHKey]:
    """Private keys from the files, or from `store/ssh` where they are made at the first start. Raises ConfigError."""
    folder = store / "ssh"
    if not files and not folder.is_dir():
        _make(folder)
    found = []
    for path in files or [folder / f"host_{name}" for name, _, _ in _KINDS]:
        try:
            found.append(asyncssh.read_private_key(path))
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"The SSH host key {path} can't be used: {reason}.", state=_STATE) from error
    return found


def fingerprints(keys: Sequence[asyncssh.SSHKey]) -> list[str]:
    """As partners compare them: kind and SHA-256."""
    return [f"{key.get_algorithm()} {key.get_fingerprint()}" for key in keys]


def _make(folder: Path) -> None:
    """All keys or none: a folder that appears whole."""
    with appearing(folder) as part:
        for name, kind, how in _KINDS:
            key = asyncssh.generate_private_key(kind, comment="feedengine", **how)
            path = part / f"host_{name}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key.export_private_key("openssh"))
                file.flush()
                os.fsync(file.fileno())
            path.with_suffix(".pub").write_bytes(key.export_public_key("openssh"))
