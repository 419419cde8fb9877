"""What the house puts right by itself when a source's policy says so: theirs is booked, or a channel is told ours again."""

from collections import defaultdict
from datetime import datetime

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import stock_feed
from inventory.reconciliation import discrepancies, sources
from inventory.reconciliation.discrepancies import Waiting


@transaction_required
def mend_due(*, by: Actor, at: datetime, at_most: int) -> int:
    """Put right the discrepancies whose patience is over, at most `at_most`, and return how many were looked at.

    What can't be put right now (its pieces are promised, or the channel has not answered) is looked at again in an hour.
    """
    waiting = discrepancies.due_for_repair(at=at, at_most=at_most)
    by_source: dict[str, list[Waiting]] = defaultdict(list)
    to_tell: dict[str, list[Waiting]] = defaultdict(list)
    for one in waiting:
        (to_tell if one.location_id is None else by_source)[one.source].append(one)
    for code, rows in sorted(by_source.items()):
        discrepancies.repair([row.id for row in rows], reason=code, by=by, at=at)
    for code, rows in sorted(to_tell.items()):
        channel_id = sources.source(code).terms.channel_id
        stock_feed.tell([row.product_id for row in rows], at=at, again_to=channel_id)
        discrepancies.look_again([row.id for row in rows], at=at)
    return len(waiting)
