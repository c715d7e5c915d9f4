"""The draft from a sample takes the sample."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from feedengine.profile import infer
from shop_of_profiles import codes, opened


def sample(seed: int) -> tuple[str, str, list[list[str]]]:
    """A table with every kind of column, its delimiter, its rows."""
    chance = random.Random(seed)
    delimiter = chance.choice(";,\t|")
    comma = chance.random() < 0.5 and delimiter != ","
    rows = []
    for number in range(1, 201):
        cents = chance.randrange(1, 10_000_000)
        whole, rest = f"{cents // 100:,}", f"{cents % 100:02}"
        price = f"{whole.replace(',', '.')},{rest}" if comma else f"{cents // 100}.{rest}"
        day = f"{chance.randrange(13, 29)}.{chance.randrange(1, 13):02}.2026" if comma else "2026-02-11"
        images = [f"https://example.com/{number}/{each}.jpg" for each in range(chance.randrange(1, 4))]
        rows.append(
            [
                f"{number:05}",
                f"Größe {number}",
                price,
                chance.choice(["ja", "nein"]),
                day,
                str(chance.randrange(100)),
                "" if chance.random() < 0.3 else "x",
                (", " if delimiter == "|" else "|").join(images),
            ]
        )
    return "Art.-Nr.;Name;Preis;Lieferbar;Seit;Bestand;Notiz;Bilder".replace(";", delimiter), delimiter, rows


@pytest.mark.feature("P7", "P18", "L12")
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("seed", range(3))
def test_a_sample_is_taken_by_its_own_draft(tmp_path: Path, seed: int, encoding: str) -> None:
    header, delimiter, rows = sample(seed)
    path = tmp_path / "Artikel_21.11.2026.csv"
    quoted = (delimiter.join(f'"{each}"' if delimiter in each else each for each in row) for row in rows)
    path.write_bytes("\r\n".join([header, *quoted, ""]).encode(encoding))
    (tmp_path / "draft.toml").write_text(infer.draft(path).text)
    shop = opened(tmp_path, tmp_path / "draft.toml")
    report = shop.apply(path)
    assert codes(report) == {}, report["problems"]
    assert report["entities"]["artikel"]["added"] == len(rows)
    stored = shop.rows("artikel")
    assert [each["art_nr"] for each in stored] == [row[0] for row in rows]
    assert [each["lieferbar"] for each in stored] == [row[3] == "ja" for row in rows]
    assert [each["bestand"] for each in stored] == [int(row[5]) for row in rows]
    assert [len(each["bilder"]) for each in stored] == [row[7].count("https") for row in rows]
    assert [each["name"] for each in stored] == [row[1] for row in rows]
