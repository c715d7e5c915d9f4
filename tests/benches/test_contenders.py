"""The benchmark's own program for comparing two files does what it is timed for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from command import environment

PROGRAM = Path(__file__).parents[2] / "benches" / "contenders" / "engine_diff.py"


def test_two_files_are_compared_and_the_differences_written(tmp_path: Path) -> None:
    old, new, out = tmp_path / "old.csv", tmp_path / "new.csv", tmp_path / "out"
    old.write_text("id,item_name,metadata:Size,metadata:size\nA1,One,1,1\nA2,Two,2,2\nA3,Three,3,3\n")
    new.write_text("id,item_name,metadata:Size,metadata:size\nA1,One,1,1\nA2,Two,2,x\nA4,Four,4,4\n")
    done = subprocess.run(
        [sys.executable, PROGRAM, old, new, out], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"added": 1, "changed": 1, "removed": 1}
    after = (tmp_path / "out.after").read_text().splitlines()
    assert after[0].startswith("_row,_record,id,item_name,metadata:Size,metadata:size")
    assert sorted(line.split(",", 2)[2] for line in after[1:]) == ["A2,Two,2,x", "A4,Four,4,4"]
    assert len((tmp_path / "out.before").read_text().splitlines()) == 3
