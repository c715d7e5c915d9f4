"""feedengine, file against file; what differs is written as CSV. Arguments: OLD NEW OUT."""

from __future__ import annotations

import json
import sys

from feedengine import engine


def main(old: str, new: str, out: str) -> None:
    """Compare, write, print the counts."""
    found = engine.diff_files(old, new)
    found.write_csv(out)
    print(json.dumps({name: found.counts["items"][name] for name in ("added", "changed", "removed")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
