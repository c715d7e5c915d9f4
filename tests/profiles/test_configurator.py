"""The files of a configurator: what refers to products that are not there stays out."""

from __future__ import annotations

from pathlib import Path

import pytest

from shop_of_profiles import codes, opened

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "configurator.toml"


@pytest.mark.feature("T3", "T4", "T5", "T22", "T23", "T24")
def test_files_beside_the_products(tmp_path: Path) -> None:
    shop = opened(tmp_path, EXAMPLE)
    shop.send("products_2026-11-21.csv", "sku,name\nCHAIR,Chair\nDESK,Desk\nSET,Chair and desk\n")
    sent = {
        "options": (
            "id,sku,option,value,allowed\nC/c/red,CHAIR,colour,red,Y\nL/c/red,LAMP,colour,red,N\n",
            "UNKNOWN_SKU",
        ),
        "prices": (
            "sku,pricebook,currency,from_quantity,valid_from,valid_to,promotion,amount\n"
            "CHAIR,retail,EUR,1,2026-01-01,,,49.9000\nCHAIR,retail,EUR,1,2026-12-01,,xmas,39.90\n",
            "REQUIRED_WHEN",
        ),
        "attributes": ("id,sku,attribute,value\nCHAIR/height,CHAIR,height,045\n", None),
        "assortments": (
            "id,market,starts,ends,skus\nw26-eu,EU,2026-11-01,2027-02-28,CHAIR|DESK\n"
            "w26-uk,UK,2026-11-01,2027-02-28,CHAIR|LAMP\nw26-xx,XX,2026-11-01,2027-02-30,CHAIR\n",
            "UNKNOWN_SKU",
        ),
        "bundles": ("sku,component,quantity\nSET,CHAIR,4\nSET,LAMP,1\n", "UNKNOWN_SKU"),
    }
    for entity, (content, code) in sent.items():
        report = shop.send(f"{entity}_2026-11-21.csv", content)
        assert report["entities"][entity]["added"] == 1, (entity, report["problems"])
        assert (code in codes(report)) if code else not codes(report)
    price = shop.rows("prices")[0]
    assert (price["id"], price["sku"], price["amount"]) == ("CHAIR|retail|EUR|1|2026-01-01", "CHAIR", "49.9000")
    assert shop.rows("attributes")[0]["value"] == "045"
    assert shop.rows("assortments")[0]["skus"] == ["CHAIR", "DESK"]
