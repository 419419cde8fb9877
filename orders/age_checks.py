"""Goods that not everybody may have: whoever hands them over confirms that they looked at the age, or keeps them here.

§ 9 JuSchG: beer, wine and sparkling wine not below 16, spirits not below 18; § 10: tobacco not below 18; § 12: films and
games as they are marked. In doubt whoever wants them has to prove their age (§ 2 (2)). Nothing about a person is kept, only
that the check was made.
"""

from collections.abc import Iterable
from typing import Any

from commerce import catalog
from orders import errors


def required(product_ids: Iterable[int]) -> int | None:
    """Return the age, in years, that somebody must have reached to be given all of these; None when anybody may have them."""
    found = catalog.products_by_id(set(product_ids))
    return max((ref.minimum_age for ref in found.values() if ref.minimum_age), default=None)


def require(product_ids: Iterable[int], *, is_of_age: bool) -> dict[str, Any] | None:
    """Return what the audit notes of the check: the age that was looked at, or nothing where none is needed.

    Raises: AgeNotConfirmed when an age is needed and nobody confirmed it.
    """
    age = required(product_ids)
    if age is None:
        return None
    if not is_of_age:
        raise errors.AgeNotConfirmed(
            f"Some of these goods are only for people of {age} or older (JuSchG). Look at an identity card and confirm the age, "
            "or keep the goods here.",
            minimum_age=age,
        )
    return {"age_checked": age}
