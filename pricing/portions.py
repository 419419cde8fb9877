"""Figures of a simulation that add up over portions of its baskets, as they are kept between two workers. [pure]"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pricing.quotes import ChannelTerms


@dataclass(slots=True)
class Sum:
    """Figures of one currency, before and after."""

    baskets: int = 0
    lines: int = 0
    units: int = 0
    cheaper: int = 0
    dearer: int = 0
    lines_changed: int = 0
    units_changed: int = 0
    paid: list[int] = field(default_factory=lambda: [0, 0])
    net: list[int] = field(default_factory=lambda: [0, 0])
    costed_net: list[int] = field(default_factory=lambda: [0, 0])  # of goods whose cost is known
    cost: int = 0
    changed_margin: list[int] = field(default_factory=lambda: [0, 0])
    days: dict[str, list[int]] = field(default_factory=dict)
    products: dict[int, list[int]] = field(default_factory=dict)  # units, paid before, paid after, lines changed
    promotions: dict[str, list[Any]] = field(default_factory=dict)  # name, baskets before/after, discount before/after


def document(
    sums: Mapping[str, Sum],
    refused: Mapping[str, int],
    channels: Mapping[str, Mapping[int, int]],
    terms: Mapping[int, ChannelTerms],
) -> dict[str, Any]:
    """Return what was added up as primitives, from which `add` adds it to other portions."""
    return {
        "sums": {code: asdict(one) for code, one in sums.items()},
        "refused": dict(refused),
        "channels": {code: {str(channel): count for channel, count in ones.items()} for code, ones in channels.items()},
        "terms": [[one.channel_id, one.currency, one.country] for one in terms.values()],
    }


def add(
    kept: Mapping[str, Any], sums: dict[str, Sum], refused: dict[str, int], channels: dict[str, dict[int, int]]
) -> dict[int, ChannelTerms]:
    """Add a portion to what was added up so far; return the channels that it met."""
    for code, given in kept["sums"].items():
        _add(sums.setdefault(code, Sum()), given)
    for code, count in kept["refused"].items():
        refused[code] = refused.get(code, 0) + count
    for code, ones in kept["channels"].items():
        here = channels.setdefault(code, {})
        for channel, count in ones.items():
            here[int(channel)] = here.get(int(channel), 0) + count
    return {channel_id: ChannelTerms(channel_id, currency, country) for channel_id, currency, country in kept["terms"]}


def _add(here: Sum, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, int):
            setattr(here, name, getattr(here, name) + value)
        elif isinstance(value, list):
            setattr(here, name, [one + more for one, more in zip(getattr(here, name), value, strict=True)])
    for day, figures in given["days"].items():
        here.days[day] = [one + more for one, more in zip(here.days.get(day, [0, 0]), figures, strict=True)]
    for product, figures in given["products"].items():
        known = here.products.get(int(product), [0, 0, 0, 0])
        here.products[int(product)] = [one + more for one, more in zip(known, figures, strict=True)]
    for identifier, (name, *figures) in given["promotions"].items():
        _name, *known = here.promotions.get(identifier, [name, 0, 0, 0, 0])
        here.promotions[identifier] = [name, *(one + more for one, more in zip(known, figures, strict=True))]
