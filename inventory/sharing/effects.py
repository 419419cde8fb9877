"""What a rule would change: the figures of its scope, before and after, as each channel would read them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from commerce import catalog, queries
from commerce.queries import ChannelRef
from inventory.cascade import Rule, Window
from inventory.places import geography, locations
from inventory.sharing import buffers, scopes
from inventory.sharing.plan import Figure

MOST_LEVELS = 20_000  # measured, those with the most pieces first: more changes nothing about the picture
MOST_CHANGES = 20  # shown

_LEVELS = """
SELECT l.product_id, l.location_id, l.on_hand, greatest(l.on_hand + l.backorder_limit - l.allocated - l.held, 0)
FROM inventory_stocklevel l JOIN commerce_product p ON p.id = l.product_id
WHERE {condition} AND l.on_hand > 0
ORDER BY l.on_hand DESC, l.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a channel reads of one product at one place, before and after."""

    channel: str
    sku: str
    name: str
    location: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule changes, counted over the levels that were measured; pieces are summed over channels.

    `emptied` counts figures that had something and read 0 afterwards. `is_everything` says that every figure in the scope
    that had something reads 0: the rule withholds everything. `is_partial` says that there are more levels than measured.
    """

    levels: int
    products: int
    locations: int
    channels: int
    changed: int
    emptied: int
    pieces_before: int
    pieces_after: int
    is_everything: bool
    is_partial: bool
    biggest: tuple[Change, ...]

    def facts(self) -> dict[str, Any]:
        """Return the effect as JSON values."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "biggest"}
        facts["biggest"] = [
            {name: getattr(change, name) for name in Change.__dataclass_fields__} for change in self.biggest
        ]
        return facts


def effect(rule: Rule, *, at: datetime) -> Effect:
    """Measure what `rule` changes for the channels in its scope, beside the rules that are active.

    Only what channels really read is counted: products that they list, at places that serve their country. A rule
    with a time box is measured as if it ran at `at`.
    """
    rule = _running(rule)
    figures = _figures(rule)
    wanted = [
        channel
        for channel in queries.channels()
        if channel.is_active and (rule.scope.channel_id is None or rule.scope.channel_id == channel.id)
    ]
    others = [one for one in buffers.active_rules() if one.id != rule.id or one.purpose is not rule.purpose]
    listed: dict[int, set[int]] = {}
    for listing in queries.listings_of({figure[0] for figure in figures[:MOST_LEVELS]}):
        listed.setdefault(listing.channel_id, set()).add(listing.product_id)
    found = [
        _of_channel(channel, rule, others, figures[:MOST_LEVELS], listed.get(channel.id, set()), at=at)
        for channel in wanted
    ]
    return _summed([one for one in found if one], is_partial=len(figures) > MOST_LEVELS)


_Seen = tuple[ChannelRef, Figure, int, int]  # a figure as a channel reads it, before and after


def _of_channel(
    channel: ChannelRef,
    rule: Rule,
    others: Sequence[Rule],
    figures: Sequence[Figure],
    listed: set[int],
    *,
    at: datetime,
) -> list[_Seen]:
    serving = {place.id for place in locations.active() if geography.same_customs_area(place.country, channel.country)}
    own = [figure for figure in figures if figure[0] in listed and figure[1] in serving]
    before = buffers.compiled(others, channel, at=at).withheld(own, {})
    after = buffers.compiled([*others, rule], channel, at=at).withheld(own, {})
    return [
        (channel, figure, figure[3] - was, figure[3] - now) for figure, was, now in zip(own, before, after, strict=True)
    ]


def _summed(found: Sequence[Sequence[_Seen]], *, is_partial: bool) -> Effect:
    seen = [one for of_channel in found for one in of_channel]
    changed = [one for one in seen if one[2] != one[3]]
    had = [one for one in seen if one[2] > 0]
    biggest = sorted(changed, key=lambda one: (-abs(one[2] - one[3]), one[0].code, one[1][:2]))[:MOST_CHANGES]
    products = catalog.products_by_id({figure[0] for _channel, figure, _before, _after in biggest})
    return Effect(
        levels=len({one[1][:2] for one in changed}),
        products=len({one[1][0] for one in changed}),
        locations=len({one[1][1] for one in changed}),
        channels=len({one[0].id for one in changed}),
        changed=len(changed),
        emptied=sum(1 for one in changed if one[2] > 0 and one[3] == 0),
        pieces_before=sum(one[2] for one in seen),
        pieces_after=sum(one[3] for one in seen),
        is_everything=bool(had) and all(one[3] == 0 for one in had),
        is_partial=is_partial,
        biggest=tuple(
            Change(
                channel.name, products[figure[0]].sku, products[figure[0]].name, locations.by_id(figure[1]).code, before,
                after,
            )
            for channel, figure, before, after in biggest
        ),
    )  # fmt: skip


def _running(rule: Rule) -> Rule:
    """Return the rule as if it ran now: what matters before its activation is what it will do."""
    return replace(rule, window=Window())


def _figures(rule: Rule) -> list[Figure]:
    """Return the figures in a rule's scope, one more than are measured."""
    condition, parameters = scopes.levels_in(rule.scope)
    with connection.cursor() as cursor:
        cursor.execute(_LEVELS.format(condition=condition), [*parameters, MOST_LEVELS + 1])
        return [(row[0], row[1], row[2], row[3]) for row in cursor.fetchall()]
