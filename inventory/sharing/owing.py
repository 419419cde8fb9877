"""Where pieces that are owed to a channel are kept, when its guarantee is about several places or products. [pure]

The pieces are spread over the levels in proportion to what is free there, so that no place is emptied for the others
while another is full. Never more than is owed, never more at a level than is free there.
"""

from collections.abc import Mapping

Key = tuple[int, int]  # product_id, location_id


def spread(owed: int, free: Mapping[Key, int]) -> dict[Key, int]:
    """Return how many owed pieces are kept at each level; they sum to what is owed, or to all there is if that is less."""
    there = {key: pieces for key, pieces in free.items() if pieces > 0}
    total = sum(there.values())
    if owed <= 0 or not total:
        return {}
    wanted = min(owed, total)
    shares = {key: pieces * wanted // total for key, pieces in there.items()}
    rest = wanted - sum(shares.values())
    by_remainder = sorted(there, key=lambda key: (-(there[key] * wanted % total), key))
    for key in by_remainder[:rest]:
        shares[key] += 1
    return {key: pieces for key, pieces in shares.items() if pieces}


def trimmed(shares: Mapping[Key, int], owed: int) -> dict[Key, int]:
    """Return shares that were drawn when more was owed, cut where they are largest until they sum to no more than `owed`."""
    excess = sum(shares.values()) - max(owed, 0)
    kept = dict(shares)
    for key in sorted(shares, key=lambda key: (-shares[key], key)):
        if excess <= 0:
            break
        cut = min(kept[key], excess)
        kept[key] -= cut
        excess -= cut
    return {key: pieces for key, pieces in kept.items() if pieces > 0}
