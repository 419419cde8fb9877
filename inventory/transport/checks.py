"""What a transfer must be like before goods leave: between two open places, and expected on a day that is still to come."""

from datetime import date, datetime

from commerce.errors import InvalidInput
from inventory.places import locations, transit


def places(origin_id: int, destination_id: int) -> None:
    """Refuse a transfer that stays where it is, or leaves or goes to a closed place. Raises: InvalidInput."""
    if origin_id == destination_id:
        raise invalid(
            "destination", locations.by_id(origin_id).code, "Goods go to another place than the one they are at."
        )
    for name, location_id in (("origin", origin_id), ("destination", destination_id)):
        place = locations.by_id(location_id)
        if not place.is_active:
            raise invalid(name, place.code, f"{place.name} is closed; choose another place.")


def day(expected_on: date, destination_id: int, *, at: datetime) -> None:
    """Refuse a day that has passed where the goods go to. Raises: InvalidInput."""
    today = transit.today(destination_id, at=at)
    if expected_on < today:
        message = f"Goods on their way are not expected in the past; name {today.isoformat()} or a later day."
        raise invalid("expected_on", expected_on.isoformat(), message)


def invalid(name: str, value: object, message: str) -> InvalidInput:
    """Return the refusal of one value."""
    return InvalidInput(message, errors=[{"field": name, "value": value, "message": message}])
