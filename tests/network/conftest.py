"""One service for all tests of a file; before and after each test it must be well."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from network.lab import KEY, LOGIN, OTHER, OTHER_PASSWORD, PASSWORD, Lab
from network.ports import free_block
from network.processes import holding
from network.service import Service, Tables


@pytest.fixture(scope="module")
def settings() -> Tables:
    """Tables of the settings file; a test file may have its own."""
    return {}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, settings: Tables) -> Iterator[Lab]:
    """A service that runs."""
    block = free_block(11)
    service = Service(tmp_path_factory.mktemp("lab"), block[0], block[1:], settings)
    service.add_account(LOGIN, PASSWORD, home="partner", keys=(KEY,))
    service.add_account(OTHER, OTHER_PASSWORD, home="other", keys=("key_Other",))
    with service:
        yield Lab(service)


@pytest.fixture(autouse=True)
def well(request: pytest.FixtureRequest) -> Iterator[None]:
    """Around each test that uses the service."""
    if "lab" not in request.fixturenames:
        yield
        return
    lab: Lab = request.getfixturevalue("lab")
    for talk in lab.talks:
        talk.close()
    lab.talks.clear()
    lab.serves()
    time.sleep(0.2)
    pid = lab.service.part("ftps")
    idle = holding(pid)
    assert idle is not None
    yield
    lab.serves()
    lab.told_nothing()
    for talk in lab.talks:
        talk.close()
    assert lab.service.part("ftps") == pid, "the server died"
    lab.comes_to_rest(idle)


@pytest.fixture
def outside(lab: Lab) -> Iterator[None]:
    """Files that no partner may reach, read or change: beside the homes, and in another's home."""
    secrets = {
        lab.service.folder / "canary.txt": b"beside the store",
        lab.service.store / "canary.txt": b"in the store",
        lab.service.store / "homes" / "canary.txt": b"beside the homes",
        lab.service.store / "homes" / "other" / "canary.txt": b"in another home",
    }
    for path, content in secrets.items():
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content)
    before = _strangers(lab)
    yield
    assert {path: path.read_bytes() for path in secrets} == secrets
    assert _strangers(lab) == before


def _strangers(lab: Lab) -> set[str]:
    """Names around the partner's home, where nothing may come or go by a partner's doing."""
    around = [lab.service.folder, lab.service.store, lab.service.store / "homes", lab.service.store / "homes" / "other"]
    return {str(path) for folder in around for path in folder.iterdir() if not path.name.startswith("ledger")}
