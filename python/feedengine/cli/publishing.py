"""Publishing from the command line: the plan shown, the files put into the outbox, and waited for where asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from feedengine.cli.render import publication as render
from feedengine.errors import ExitCode, Hint, TransportError

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.service.publishing import Wish
    from feedengine.store import Catalog


def publish(
    session: Session, catalog: Catalog, target: str, wish: Wish, *, dry_run: bool, wait: bool, timeout: int
) -> int:
    """Plan, show, and unless `dry_run` send."""
    from feedengine.cli.sending import see_through
    from feedengine.ledger.outbox import Outbox
    from feedengine.service import publishing
    from feedengine.service.bell import ring
    from feedengine.service.targets import is_ours, target_of

    if "/" in target and "://" not in target and target not in session.settings.named["targets"]:
        target = str(Path(target).absolute())
    wanted = target_of(session.settings, target)
    made = publishing.publish(session.store, catalog, wanted, wish, dry_run=dry_run)
    # A writer may have the catalog now.
    catalog.close()
    document = made.as_dict()
    if not made.deliveries:
        session.out.show(document, render.plan(document, dry_run=dry_run))
        return int(ExitCode.SAFEGUARD if made.refusal and not wish.force else ExitCode.DONE)
    ring(session.store, "courier")
    if not wait and is_ours(session.settings, target):
        session.out.show(document, render.plan(document, dry_run=False))
        return int(ExitCode.DONE)
    session.out.talk(render.plan(document, dry_run=False))
    found = see_through(session, wanted, Outbox(session.store.ledger), made.deliveries, timeout)
    failed = next((each for each in found if each.status != "SENT"), None)
    if failed is not None:
        raise TransportError(
            f"{failed.name} was not sent to {failed.target}: {failed.error}",
            state="The receiver may have a part of the publication; the next one takes that into account.",
            hints=[
                Hint("Send the rest of it", ("feedengine", "outbox", "retry", str(failed.id))),
                Hint("Or publish anew", ("feedengine", "publish", made.catalog, made.target)),
            ],
        )
    session.out.show(
        {**document, "sent": True}, [f"Sent      {len(found)} files; {made.target} has snapshot {made.to_snapshot}"]
    )
    return int(ExitCode.DONE)
