"""The whole service: orders come over FTPS into an account, and go out into its folder and over FTPS to another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.partner import PROFILE, items, orders
from exports.shop import order_id
from network.ports import free_block
from network.service import Service
from network.talk import Talk

LOGIN, THEIRS, PASSWORD = "shop@example.com", "erp@example.com", "Long enough 1"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service whose confirmed orders go into two accounts: one by its folder, one by a login."""
    block = free_block(6)
    (tmp_path / "trade.toml").write_text(PROFILE)
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    target = {
        "scheme": "ftps", "host": "127.0.0.1", "port": block[0], "user": THEIRS, "password_file": "password",
        "path": "/", "verify": "off", "first_wait": "0.2s", "longest_wait": "1s",
    }  # fmt: skip
    tables = {
        "queue": {"workers": 1},
        "targets.erp": target,
        "exports.here": {"catalog": "acme/main", "export": "orders", "account": LOGIN},
        "exports.there": {"catalog": "acme/main", "export": "orders", "target": "erp"},
    }
    made = Service(tmp_path, block[0], block[1:], tables)
    made.config.write_text(made.config.read_text() + '[catalogs."acme/main"]\nprofile = "trade.toml"\n')
    made.add_account(LOGIN, PASSWORD, home="shop", keys=("acme",))
    made.add_account(THEIRS, PASSWORD, home="erp", keys=("other",))
    made.start()
    yield made
    made.stop()


def put(service: Service, folder: str, name: str, content: str) -> None:
    talk = Talk("127.0.0.1", service.port)
    try:
        assert talk.login(LOGIN, PASSWORD).code == 230
        talk.say(f"MKD {folder}")
        assert talk.say(f"CWD {folder}").code == 250
        assert talk.store(name, content.encode()).code == 226
    finally:
        talk.vanish()


def until_there(service: Service, numbers: set[int], seconds: float = 120.0) -> None:
    """Both accounts have these orders, whole, and nobody ever sees a part of one."""
    until = time.monotonic() + seconds
    places = [
        service.store / "homes" / "shop" / "export" / "WizCommerce Export" / "Orders",
        service.store / "homes" / "erp" / "WizCommerce Export" / "Orders",
    ]
    wanted = {f"order_{order_id(number)}" for number in numbers}
    while True:
        found = []
        for place in places:
            seen = {path for path in place.iterdir() if not path.name.startswith(".")} if place.is_dir() else set()
            assert all(len(list(path.iterdir())) == 2 for path in seen), "half an order"
            found.append({path.name for path in seen})
        if found == [wanted, wanted]:
            return
        assert time.monotonic() < until, (found, service.log.read_text()[-3000:])
        time.sleep(0.02)


@pytest.mark.feature("W1", "W3", "W10", "W15", "W16", "W17", "W19", "W43")
def test_orders_through_the_service(service: Service) -> None:
    put(service, "/in/orders", "ORDER_21_11_2026.csv", orders((1, "confirmed"), (2, "draft")))
    put(service, "/in/order_items", "ORDER_ITEM_21_11_2026.csv", items((1, 1), (1, 2), (2, 1)))
    until_there(service, {1})
    # A feed by a command: the courier finds out by itself. Meanwhile somebody pulls the plug.
    service.hurt("courier")
    put(service, "/in/orders", "ORDER_21_11_2026_2.csv", orders((1, "confirmed"), (2, "confirmed")))
    until_there(service, {1, 2})
    talk = Talk("127.0.0.1", service.port)
    assert talk.login(LOGIN, PASSWORD).code == 230
    said, listed = talk.fetch("NLST /export/WizCommerce Export/Orders")
    assert said.code == 226 and listed.count(b"order_") == 2 and b".part" not in listed
    said, data = talk.fetch(f"RETR /export/WizCommerce Export/Orders/order_{order_id(2)}/order_data_{order_id(2)}.csv")
    assert said.code == 226 and b"confirmed" in data
    talk.vanish()
    assert service.complaints() == []
