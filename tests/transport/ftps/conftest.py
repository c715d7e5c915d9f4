"""Fixtures of the FTPS server's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from transport.ftps.rig import Rig, make_certificate, rig


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(tmp_path: Path, certificate: Path) -> Iterator[Rig]:
    with rig(tmp_path, certificate) as made:
        yield made
