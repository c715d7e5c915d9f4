"""A strict reader of Prometheus' text format 0.0.4, written from its public description."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)(?: (-?\d+))?")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


@dataclass
class Family:
    kind: str
    about: str
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)

    def value(self, suffix: str = "", **labels: str) -> float:
        return self.samples[suffix, tuple(sorted(labels.items()))]


def read(text: str) -> dict[str, Family]:
    """Metric families by name. Raises ValueError for anything that the format does not allow."""
    if not text.endswith("\n"):
        raise ValueError("the last line must end with a line feed")
    found: dict[str, Family] = {}
    about: dict[str, str] = {}
    current = ""
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            if name in about:
                raise ValueError(f"HELP twice: {name}")
            about[name] = words
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            if name in found or kind not in ("counter", "gauge", "histogram", "summary", "untyped"):
                raise ValueError(f"TYPE: {line}")
            found[name] = Family(kind, about.get(name, ""))
            current = name
        elif not line.startswith("#") and line:
            _sample(found[current], current, line)
    for name, family in found.items():
        if family.kind == "histogram":
            _check_histogram(name, family)
        if family.kind == "counter" and (not name.endswith("_total") or min(family.samples.values()) < 0):
            raise ValueError(f"counter: {name}")
    return found


def _sample(family: Family, current: str, line: str) -> None:
    match = _SAMPLE.fullmatch(line)
    if match is None:
        raise ValueError(f"sample: {line}")
    name, inner, number, _ = match.groups()
    suffix = name.removeprefix(current)
    allowed = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
    if not name.startswith(current) or suffix not in allowed:
        raise ValueError(f"{name} is not of the family {current}")
    labels, at = {}, 0
    while inner and at < len(inner):
        label = _LABEL.match(inner, at)
        if label is None or label[1] in labels:
            raise ValueError(f"labels: {inner}")
        labels[label[1]] = re.sub(r'\\\\|\\"|\\n', lambda escape: _ESCAPES[escape[0]], label[2])
        at = label.end()
    key = (suffix, tuple(sorted(labels.items())))
    if key in family.samples:
        raise ValueError(f"twice: {line}")
    family.samples[key] = math.inf if number == "+Inf" else float(number)


def _check_histogram(name: str, family: Family) -> None:
    buckets = [(dict(labels)["le"], value) for (suffix, labels), value in family.samples.items() if suffix == "_bucket"]
    bounds = [math.inf if bound == "+Inf" else float(bound) for bound, _ in buckets]
    values = [value for _, value in buckets]
    if bounds != sorted(bounds) or values != sorted(values) or bounds[-1] != math.inf:
        raise ValueError(f"buckets of {name}")
    if values[-1] != family.value("_count"):
        raise ValueError(f"count of {name}")
