"""Tables as workbooks and as CSV: XML by hand, and the text that each value is taken for, by the obvious rule."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape

from feedengine.deliver.workbook import address

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" formatCode="[$-407]dd\\.mm\\.yyyy\\ hh:mm"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="20"/></cellXfs></styleSheet>'
)


@dataclass(frozen=True)
class Formula:
    """A formula with the value that it had when the workbook was saved."""

    value: object


@dataclass(frozen=True)
class Error:
    """An error cell."""

    code: str


def text(value: object) -> str:
    """What a value is taken for."""
    if isinstance(value, Formula):
        return text(value.value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        plain = format(Decimal(repr(value)), "f").removesuffix(".0")
        return "0" if plain in ("-0", "0") else plain
    if isinstance(value, dt.datetime):
        zone = "Z" if value.tzinfo else ""
        fraction = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
        return value.strftime("%Y-%m-%dT%H:%M:%S").zfill(19) + fraction + zone
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        fraction = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
        return value.strftime("%H:%M:%S") + fraction
    if isinstance(value, list | tuple):
        return "|".join(text(item) for item in value if item is not None)
    return str(value)


def csv_text(rows: Sequence[Sequence[object]]) -> str:
    """The same table as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([text(value) for value in row] for row in rows)
    return out.getvalue()


class Workbook:
    """A workbook under construction; the dice choose among the ways to write the same cell."""

    def __init__(self, dice: random.Random, *, from_1904: bool = False) -> None:
        self.dice, self.from_1904 = dice, from_1904
        self.shared: list[str] = []

    def cell(self, row: int, column: int, value: object) -> str:
        """One cell's element."""
        place = f' r="{address(row, column)}"'
        formula = ""
        if isinstance(value, Formula):
            formula, value = "<f>SUM(A1)</f>", value.value
            if isinstance(value, str):
                return f'<c{place} t="str">{formula}<v>{xml(value)}</v></c>'
        if isinstance(value, Error):
            return f'<c{place} t="e">{formula}<v>{escape(value.code)}</v></c>'
        if value is None:
            return self.dice.choice(["", f'<c{place} s="1"/>', f'<c{place} t="str"><v></v></c>'])
        if isinstance(value, bool):
            return f'<c{place} t="b">{formula}<v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            # Digits without a point or an exponent are taken as they are, beyond what a binary number holds, too.
            ways = [repr(value), f"{value:.17g}"] if abs(value) < 2**53 else [repr(value)]
            written = self.dice.choice(ways) if isinstance(value, float) else str(value)
            kind = self.dice.choice(["", ' t="n"'])
            return f"<c{place}{kind}>{formula}<v>{written}</v></c>"
        if isinstance(value, dt.datetime | dt.date):
            return f'<c{place} s="{self.dice.choice([1, 2])}">{formula}<v>{self.serial(value)}</v></c>'
        if isinstance(value, dt.time):
            seconds = value.hour * 3600 + value.minute * 60 + value.second
            return f'<c{place} s="3">{formula}<v>{seconds / 86400!r}</v></c>'
        return self.words(place, str(value))

    def words(self, place: str, words: str) -> str:
        """A text: shared, shared in two runs, or in the cell."""
        way = self.dice.randrange(4)
        if way == 0:
            return f'<c{place} t="inlineStr"><is><t xml:space="preserve">{xml(words)}</t></is></c>'
        if way == 1:
            return f'<c{place} t="str"><v>{xml(words)}</v></c>'
        if way == 2:
            self.shared.append(f'<si><t xml:space="preserve">{xml(words)}</t></si>')
        else:
            half = len(words) // 2
            runs = "".join(f"<r><rPr><b/></rPr><t>{xml(part)}</t></r>" for part in (words[:half], words[half:]))
            self.shared.append(f'<si>{runs}<rPh sb="0" eb="1"><t>aloud</t></rPh></si>')
        return f'<c{place} t="s"><v>{len(self.shared) - 1}</v></c>'

    def serial(self, value: dt.date) -> str:
        """The number of a day or a moment."""
        moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
        start = dt.datetime(1904, 1, 1) if self.from_1904 else dt.datetime(1899, 12, 30)
        days = (moment - start) / dt.timedelta(days=1)
        return repr(int(days) if days == int(days) else days)

    def write(
        self,
        rows: Sequence[Sequence[object]],
        *,
        sheet: str = "Products",
        first: int = 1,
        behind: str = "",
        gap: int = 1,
    ) -> bytes:
        """The file: the header in row ``first``, records ``gap`` rows apart."""
        data = []
        for number, row in enumerate(rows):
            at = first + number * gap
            cells = "".join(self.cell(at, column, value) for column, value in enumerate(row, 1))
            data.append(f'<row r="{at}">{cells}</row>')
        return package(
            "".join(data), sheet=sheet, behind=behind, shared="".join(self.shared), date1904=int(self.from_1904)
        )


def xml(words: str) -> str:
    """Text in XML, with what a spreadsheet escapes."""
    return escape(words.replace("_x", "_x005F_x").replace("\r", "_x000D_"))


def package(
    data: str, *, sheet: str = "Products", behind: str = "", shared: str = "", date1904: int = 0, method: int = 8
) -> bytes:
    """The archive around a sheet's rows."""
    parts = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINK}"><workbookPr date1904="{date1904}"/>'
        f'<sheets><sheet name="{escape(sheet)}" sheetId="1" r:id="rId7"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
        f'<Relationship Id="rId1" Type="{LINK}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rId2" Type="{LINK}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="rId7" Type="{LINK}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{shared}</sst>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><dimension ref="A1:B2"/>'
        f"<sheetData>{data}</sheetData>{behind}</worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def book(sheets: Sequence[tuple[str, str, Sequence[Sequence[object]] | str]]) -> bytes:
    """A workbook of several sheets: name, state, and rows or the XML of them."""
    writer = Workbook(random.Random(5))
    parts, listed, links = {}, "", ""
    for number, (name, state, rows) in enumerate(sheets, 1):
        data = rows if isinstance(rows, str) else "".join(
            f'<row r="{at}">{"".join(writer.cell(at, column, value) for column, value in enumerate(row, 1))}</row>'
            for at, row in enumerate(rows, 1)
        )  # fmt: skip
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData></worksheet>'
        )
        listed += f'<sheet name="{escape(name)}" state="{state}" sheetId="{number}" r:id="rId{number}"/>'
        links += f'<Relationship Id="rId{number}" Type="{LINK}/worksheet" Target="worksheets/sheet{number}.xml"/>'
    shared = f'<Relationship Id="rId0" Type="{LINK}/sharedStrings" Target="sharedStrings.xml"/>'
    parts |= {
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINK}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{shared}{links}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{"".join(writer.shared)}</sst>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()
