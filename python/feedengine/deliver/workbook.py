"""XLSX files that people fill in: text cells, a header, lists of allowed values; equal content is an equal file."""

from __future__ import annotations

import itertools
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from feedengine.errors import from_os_error

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PARTS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# Styles by their place in _STYLES: data cells are text ("@"), so that an id that is typed in keeps its zeros.
_TEXT, _HEADER, _REQUIRED = 1, 2, 3
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="4"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFE7ECF2"/></patternFill></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFFFE9B8"/></patternFill></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="4"><xf/><xf numFmtId="49" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="2" applyNumberFormat="1" applyFont="1" applyFill="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="3" applyNumberFormat="1" applyFont="1" applyFill="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
# What XML cannot hold, and what spreadsheets would take for such an escape.
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
LAST_ROW = 1_048_576
MOST_COLUMNS = 16_384


@dataclass(frozen=True)
class Column:
    """One column: its name, whether it must be filled, the values it may hold (none: any), and what is said of it when
    one of its cells is chosen."""

    name: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    note: str = ""


def write(
    path: Path,
    sheet: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[str | None]] = (),
    notes: Sequence[str] = (),
    header_row: int = 1,
) -> None:
    """Writes a workbook whose first sheet ``sheet`` has ``columns`` as its header, in row ``header_row``, and ``rows``
    below it, taken one by one; the file appears only when it is whole. Allowed values stand on a sheet ``Values``,
    ``notes`` line by line on ``Notes``.
    ``ValueError`` for what no sheet can hold; ``FeedEngineError`` when it cannot be written."""
    names = [sheet]
    _check(sheet, columns)
    sheets = [_data_sheet(columns, rows, header_row)]
    lists = [(column.name, column.allowed) for column in columns if column.allowed]
    if lists:
        names.append("Values")
        deepest = max(len(allowed) for _, allowed in lists)
        below = ([allowed[at] if at < len(allowed) else None for _, allowed in lists] for at in range(deepest))
        sheets.append(_sheet([_row(1, [name for name, _ in lists], _HEADER), *_rows(below, 2)]))
    if notes:
        names.append("Notes")
        sheets.append(_sheet(_rows(([note] for note in notes), 1)))
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError(f"the sheet cannot be named {sheet!r}: another one is")
    part = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in _package(names, sheets):
                # A date of its own would make two equal workbooks differ.
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(info, "w", force_zip64=not isinstance(content, str)) as out:
                    for piece in (content,) if isinstance(content, str) else content:
                        out.write(piece.encode())
        part.replace(path)
    except OSError as error:
        raise from_os_error(error, f"write {path}") from error
    finally:
        part.unlink(missing_ok=True)


def address(row: int, column: int) -> str:
    """The cell in ``row`` and ``column``, both from 1: ``C7``."""
    return f"{_letters(column)}{row}"


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def _check(sheet: str, columns: Sequence[Column]) -> None:
    if not sheet or len(sheet) > 31 or re.search(r"[\[\]:*?/\\]|^'|'$", sheet):
        raise ValueError(f"no sheet can be named {sheet!r}")
    if not 0 < len(columns) <= MOST_COLUMNS:
        raise ValueError(f"a sheet has 1 to {MOST_COLUMNS} columns, not {len(columns)}")


def _text(value: str) -> str:
    return escape(_ESCAPED.sub(lambda match: f"_x{ord(match[0]):04X}_", value))


def _row(number: int, values: Sequence[str | None], style: int | Sequence[int]) -> str:
    cells = []
    for at, value in enumerate(values):
        if value is not None and value != "":
            look = style if isinstance(style, int) else style[at]
            place = address(number, at + 1)
            text = f'<is><t xml:space="preserve">{_text(value)}</t></is>'
            cells.append(f'<c r="{place}" s="{look}" t="inlineStr">{text}</c>')
    return f'<row r="{number}">{"".join(cells)}</row>'


def _rows(rows: Iterable[Sequence[str | None]], first: int) -> Iterator[str]:
    for number, row in enumerate(rows, first):
        if number > LAST_ROW:
            raise ValueError(f"a sheet has at most {LAST_ROW} rows")
        yield _row(number, row, _TEXT)


def _sheet(rows: Iterable[str], before: str = "", behind: str = "") -> Iterator[str]:
    yield f'{_HEAD}<worksheet xmlns="{_MAIN}">{before}<sheetData>'
    yield from rows
    yield f"</sheetData>{behind}</worksheet>"


def _data_sheet(columns: Sequence[Column], rows: Iterable[Sequence[str | None]], at_row: int) -> Iterator[str]:
    """The header stays in sight, and cells that are still empty are text too."""
    widths = "".join(
        f'<col min="{at}" max="{at}" width="{max(12, min(len(column.name) + 4, 60))}" style="{_TEXT}" customWidth="1"/>'
        for at, column in enumerate(columns, 1)
    )
    before = (
        f'<sheetViews><sheetView workbookViewId="0"><pane ySplit="{at_row}" topLeftCell="A{at_row + 1}" '
        f'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>{widths}</cols>'
    )
    header = _row(
        at_row, [column.name for column in columns], [_REQUIRED if column.required else _HEADER for column in columns]
    )
    checks, listed = [], 0
    for at, column in enumerate(columns, 1):
        listed += bool(column.allowed)
        if column.allowed or column.note:
            checks.append(_validation(column, at, listed, at_row + 1))
    behind = f'<dataValidations count="{len(checks)}">{"".join(checks)}</dataValidations>' if checks else ""
    return _sheet(itertools.chain([header], _rows(rows, at_row + 1)), before, behind)


def _validation(column: Column, at: int, listed: int, first: int) -> str:
    """A list to choose from and what is said beside it; spreadsheets cut a title at 32 and a text at 255 characters."""
    cells = f"{address(first, at)}:{address(LAST_ROW, at)}"
    prompt = ""
    if column.note:
        title, text = quoteattr(column.name[:32]), quoteattr(column.note[:255])
        prompt = f' showInputMessage="1" promptTitle={title} prompt={text}'
    if not column.allowed:
        return f'<dataValidation allowBlank="1"{prompt} sqref="{cells}"/>'
    letters = _letters(listed)
    source = f"Values!${letters}$2:${letters}${len(column.allowed) + 1}"
    kind = ' type="list" allowBlank="1" showErrorMessage="1"'
    return f'<dataValidation{kind}{prompt} sqref="{cells}"><formula1>{source}</formula1></dataValidation>'


def _package(names: Sequence[str], sheets: Sequence[Iterable[str]]) -> Iterator[tuple[str, str | Iterable[str]]]:
    """All files of the workbook."""
    numbers = range(1, len(names) + 1)
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{_PARTS}.worksheet+xml"/>' for at in numbers
    )
    yield (
        "[Content_Types].xml",
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_PARTS}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_PARTS}.styles+xml"/>{kinds}</Types>',
    )
    yield "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")])
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="rId{at}"/>'
        for at, name in zip(numbers, names, strict=True)
    )
    yield (
        "xl/workbook.xml",
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
    )
    targets = [("worksheet", f"worksheets/sheet{at}.xml") for at in numbers]
    yield "xl/_rels/workbook.xml.rels", _relations([*targets, ("styles", "styles.xml")])
    yield "xl/styles.xml", _STYLES
    for at, content in zip(numbers, sheets, strict=True):
        yield f"xl/worksheets/sheet{at}.xml", content


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{at}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets, 1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'
