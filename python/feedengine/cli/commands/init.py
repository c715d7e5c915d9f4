"""`feedengine init [DIR]`: a settings file with everything explained, and an empty store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context

Folder = Annotated[Path, Argument(metavar="DIR", help="Where; made if it is not there.")]


def command(context: Context, folder: Folder = Path()) -> int:
    """Write feedengine.toml, in which every setting is explained, and make an empty store; what is there is kept."""
    from feedengine.cli.render import steps
    from feedengine.cli.render.settings import commented_file
    from feedengine.errors import from_os_error
    from feedengine.settings import FILE_NAME, Settings
    from feedengine.store import Store

    session = params.session(context)
    file = Path(session.options.config) if session.options.config else folder / FILE_NAME
    # Every later command would look where the environment says, so the store is made there.
    said = session.options.store or os.environ.get("FEEDENGINE_STORE")
    root = Path(said) if said else folder / "feedengine-store"
    written = not file.exists()
    if not written and not said:
        # Likewise where the file says.
        settings = Settings.load(file, env={})
        root = settings.store if settings.values["store.path"].origin.startswith("file ") else root
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        if written:
            file.write_text(commented_file(), "utf-8")
        existed = (root / "store.json").exists()
        Store.create(root)
    except OSError as error:
        raise from_os_error(error, "make the store") from error
    feed = "key_7AeG_Products_sync_2026-11-21-02-00-00.csv"
    hints = [
        {"text": "See what a feed would do", "argv": ["feedengine", "plan", feed, "--create"]},
        {"text": "Load it", "argv": ["feedengine", "sync", feed, "--create"]},
        {"text": "Receive feeds over FTPS", "argv": ["feedengine", "serve"]},
    ]
    elsewhere = folder != Path() or session.options.store or session.options.config
    given = ["--store", str(root), "--config", str(file)] if elsewhere else []
    hints = steps.complete(hints, given)
    out = session.out
    if out.machine:
        out.json({"schema": "feedengine.init/1", "config": str(file), "store": str(root), "hints": hints})
        return 0
    out.talk(
        [
            f"Ready     {'wrote' if written else 'kept'} {file} and {'kept' if existed else 'made'} the store {root}",
            "",
            *steps.lines(hints),
        ]
    )
    return 0
