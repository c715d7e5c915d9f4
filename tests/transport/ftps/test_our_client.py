"""Our FTPS client against our FTPS server: the contract of every remote, with each kind of session reuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from feedengine.settings.kinds import Secret
from feedengine.transport.connecting import connect
from feedengine.transport.remote import Place, Remote
from transport.ftps.rig import PASSWORD, rig
from transport.remote_contract import RemoteContract


@pytest.mark.feature("C1", "C4", "L30")
class TestOurServer(RemoteContract):
    replaces = False
    resumes = False
    renames_folders = False

    @pytest.fixture(params=["prefer", "require", "off"])
    def remote(self, request: pytest.FixtureRequest, tmp_path: Path, certificate: Path) -> Iterator[Remote]:
        folder = tmp_path / "server"
        folder.mkdir()
        with rig(folder, certificate, session_reuse=request.param) as server:
            place = Place(
                "ftps", "/in", host="127.0.0.1", port=server.options.port, user="anna", password=Secret(PASSWORD),
                verify=str(certificate),
            )  # fmt: skip
            with connect(place) as opened:
                yield opened
