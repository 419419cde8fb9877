"""Starts and ends of what is withheld: nobody writes when they come, so the channels are told by the clock."""

from datetime import datetime

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory.sharing import buffer_rules, news, obligations


@transaction_required
def tell_starts_and_ends(*, by: Actor, at: datetime) -> int:
    """Have the channels told about rules and guarantees that started or ended since the last run; return how many.

    Safe to run twice: the second run finds nothing.
    """
    since = news.told_until()
    if since is None or since >= at:
        return 0
    told = buffer_rules.tell_starts_and_ends(since=since, by=by, at=at)
    told += obligations.tell_starts_and_ends(since=since, by=by, at=at)
    news.move_on(until=at)
    return told
