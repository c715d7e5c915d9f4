"""Feed files to a :class:`Feed`: loose files and tar archives of them, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from .faults import Fault
from .read_csv import read as read_csv
from .read_json import read_json, read_jsonl
from .rows import Feed, Section
from .settings import Settings
from .spec import ENTITIES


def members(name: str, content: bytes) -> list[tuple[str, str | None, bytes]]:
    """The files in an upload: (name, entity by the name or None for a loose file, bytes)."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
        name = name.removesuffix(".gz")
    if content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            found = []
            for one in archive:
                handle = archive.extractfile(one)
                stem = Path(one.name).name.split(".")[0]
                if handle is not None and stem in ENTITIES:
                    found.append((one.name, stem, handle.read()))
            return found
    return [(name, None, content)]


def read(path: Path, settings: Settings | None = None) -> Feed:
    """Read an upload; what is no feed at all is outside the model (the hostile cases state those by hand)."""
    settings = settings or Settings()
    feed = Feed()
    for name, entity, content in members(path.name, path.read_bytes()):
        text = content.decode("utf-8-sig")
        if name.endswith(".jsonl"):
            sections, faults = read_jsonl(text, entity)
        elif name.endswith(".json"):
            sections, faults = read_json(text, entity)
        else:
            section, faults = read_csv(text, entity, settings)
            sections = [section] if section else []
        feed.faults += faults
        for section in sections:
            add(feed, section)
    return feed


def add(feed: Feed, section: Section) -> None:
    """Add a section; two of one entity is a fault."""
    if section.entity in feed.sections:
        feed.faults.append(Fault("DUPLICATE_SECTION", section.entity))
    feed.sections[section.entity] = section
