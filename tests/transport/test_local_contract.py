"""A folder of this machine keeps the contract of every remote."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.transport.connecting import connect
from feedengine.transport.remote import Place, Remote

from .remote_contract import RemoteContract


class TestLocal(RemoteContract):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        (tmp_path / "there").mkdir()
        return connect(Place("local", str(tmp_path / "there")))
