"""Our FTPS client against our FTPS server: the contract of every remote, with each kind of session reuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from feedengine.errors import TransportError
from feedengine.settings.kinds import Secret
from feedengine.transport.connecting import connect
from feedengine.transport.ftp_control import Control
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


@pytest.mark.feature("P20", "W10")
def test_a_part_that_is_kept_is_not_taken_for_the_file(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bytes came, but not that these are all; SIZE says how many are kept, and no answer says that it landed."""
    source = tmp_path / "source.csv"
    source.write_bytes(b"id\n1\n" * 1000)
    with rig(tmp_path, certificate) as server:
        place = Place(
            "ftps", "/in", host="127.0.0.1", port=server.options.port, user="anna", password=Secret(PASSWORD),
            verify=str(certificate),
        )  # fmt: skip

        def lost(control: Control) -> None:
            # The answer (not whole) was on its way when the connection went.
            control.getmultiline()
            raise EOFError

        with connect(place) as remote:
            with monkeypatch.context() as broken, pytest.raises(TransportError) as cut:
                broken.setattr(Control, "_part", lambda control, connection: None)
                broken.setattr(Control, "_last_answer", lost)
                remote.put(source, "feed.csv")
            assert cut.value.code == "TRANSPORT_CUT"
            assert server.desk.names() == [] and remote.size("feed.csv") == source.stat().st_size
            remote.put(source, "feed.csv", offset=3000)
            assert server.desk.names() == ["/in/feed.csv"]
            assert server.desk.files[0].path.read_bytes() == source.read_bytes()
