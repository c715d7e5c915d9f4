"""The supplier of docs/examples: set up by 38 lines, with a catalog that is made up here."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from shop_of_profiles import Shop, codes, opened

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "nordlicht.toml"
PRODUCTS = 500


def gtin(number: int) -> str:
    """A GTIN-13 with its check digit."""
    digits = f"40{number:010}"
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return digits + str(-total % 10)


def way(number: int) -> str:
    return ("Wohnen > Stühle", "Wohnen > Tische", "Garten")[number % 3]


def euros(cents: int) -> str:
    return f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"


def groups() -> str:
    ways = ("Wohnen", "Wohnen > Stühle", "Wohnen > Tische", "Garten")
    return "Nummer;Warengruppe\r\n" + "".join(f"{at:03};{each}\r\n" for at, each in enumerate(ways))


def products(numbers: range) -> str:
    rows = (
        f'{n:05};"Möbel ""Nr. {n}"" groß";{gtin(n)};{way(n)};{n} g;{"ja" if n % 2 else "nein"};{1 + n % 28:02}.02.2026'
        for n in numbers
    )
    return "Art.-Nr.;Bezeichnung;EAN;Warengruppe;Gewicht;Lieferbar;Seit\r\n" + "\r\n".join(rows) + "\r\n"


def prices(numbers: range) -> str:
    return "Art.-Nr.;VK-Preis\r\n" + "".join(f"{n:05};{euros(99 + n * 1001)} €\r\n" for n in numbers)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return opened(tmp_path, EXAMPLE)


@pytest.mark.feature("P18", "L12", "P5")
def test_a_partner_without_code(shop: Shop) -> None:
    for name, content in (
        ("Warengruppen_21.11.2026.csv", groups()),
        ("Artikel_21.11.2026.csv", products(range(1, PRODUCTS + 1))),
        ("Preise_21.11.2026-2.csv", prices(range(1, PRODUCTS + 1))),
    ):
        report = shop.send(name, content, "cp1252")
        assert codes(report) == {}, report["problems"]
    assert [len(shop.rows(each)) for each in ("categories", "products", "prices")] == [4, PRODUCTS, PRODUCTS]
    for row in shop.rows("products"):
        n = int(row["sku"])
        assert row["sku"] == f"{n:05}" and row["gtin"] == gtin(n) and row["category"] == way(n)
        assert row["name"] == f'Möbel "Nr. {n}" groß'
        assert Decimal(row["weight"]) * 1000 == n
        assert row["available"] is bool(n % 2) and row["since"] == f"2026-02-{1 + n % 28:02}"
    for row in shop.rows("prices"):
        assert Decimal(row["price"]) * 100 == 99 + int(row["sku"]) * 1001


def test_faults_are_the_rows_own(shop: Shop) -> None:
    shop.send("Warengruppen_21.11.2026.csv", groups(), "cp1252")
    shop.send("Artikel_21.11.2026.csv", products(range(1, 6)), "cp1252")
    bad = "00001;0,00 €\r\n00002;12.34,5 €\r\n00003;5,999\r\n00004;5,00 USD\r\n00005;1,00\r\n00009;2,00\r\n"
    report = shop.send("Preise_21.11.2026.csv", "Art.-Nr.;VK-Preis\r\n" + bad, "cp1252")
    counts = report["entities"]["prices"]
    assert (counts["rows"], counts["added"], counts["rejected"], counts["parked"]) == (6, 1, 4, 1)
    found = codes(report)
    assert {found.get(code) for code in ("OUT_OF_RANGE", "BAD_CURRENCY")} == {1} and found.get("BAD_DECIMAL") == 2
