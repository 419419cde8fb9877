"""Whom a key works for on the floor, and where: a warehouse's system does what its person may, at that person's places."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser

from commerce import clock
from commerce.actors import Actor
from commerce.api.views import ApiRequest
from commerce.errors import NotAllowed
from commerce.roles import Permission
from inventory.places import locations
from inventory.places.locations import LocationRef
from orders import errors
from orders.packing import lists as packing_lists
from orders.waves import lists as wave_lists

OLDEST_SCAN = timedelta(hours=24)  # a device that was offline longer than a shift has the wrong clock
PERSON_NEEDED = (
    "Picking and packing is done by somebody: use a key that acts for a person who works there. "
    "The admin issues one; the person's assignments say at which locations it works."
)


@dataclass(frozen=True, slots=True)
class Hand:
    """The person that a key acts for. What lies where they do not work looks as if it were not there."""

    user: AbstractUser
    by: Actor
    access: locations.Access

    @property
    def who(self) -> dict[str, AbstractUser | Actor]:
        """What every verb of the floor is told."""
        return {"user": self.user, "by": self.by}

    def at(self, code: str) -> LocationRef:
        """Return a location by its code, where this person works. Raises: LocationUnknown, NotAllowed."""
        place = locations.ref(code)
        if not self.works_at(place.id):
            raise NotAllowed(
                f"{self.by.label} does not work at {place.name}; give them a role there, or use another key.",
                permission=str(Permission.WORK_PICKUPS),
                location=place.code,
            )
        return place

    def works_at(self, location_id: int | None) -> bool:
        return location_id is not None and Permission.WORK_PICKUPS in self.access.permissions_at(location_id)

    def wave(self, wave_id: UUID) -> int:
        """Return the location of a wave. Raises: FulfilmentNotFound."""
        place_id = wave_lists.place_of(wave_id)
        if place_id is None or not self.works_at(place_id):
            raise errors.FulfilmentNotFound("There is no such wave where this key works.", wave=str(wave_id))
        return place_id

    def shipment(self, fulfilment_id: UUID) -> int:
        """Return the location of a shipment. Raises: FulfilmentNotFound."""
        place_id = packing_lists.place_of(fulfilment_id)
        if place_id is None or not self.works_at(place_id):
            message = "There is no such shipment where this key works."
            raise errors.FulfilmentNotFound(message, fulfilment=str(fulfilment_id))
        return place_id

    def parcel(self, parcel_id: UUID) -> UUID:
        """Return the shipment of a parcel. Raises: FulfilmentNotFound."""
        fulfilment_id = packing_lists.shipment_of_parcel(parcel_id)
        if fulfilment_id is None or not self.works_at(packing_lists.place_of(fulfilment_id)):
            raise errors.FulfilmentNotFound("There is no such parcel where this key works.", parcel=str(parcel_id))
        return fulfilment_id

    def label(self, label_id: UUID) -> UUID:
        """Return the shipment of a label. Raises: FulfilmentNotFound."""
        parcel_id = packing_lists.parcel_of_label(label_id)
        fulfilment_id = packing_lists.shipment_of_parcel(parcel_id) if parcel_id is not None else None
        if fulfilment_id is None or not self.works_at(packing_lists.place_of(fulfilment_id)):
            raise errors.FulfilmentNotFound("There is no such label where this key works.", label=str(label_id))
        return fulfilment_id


def hand_of(request: ApiRequest) -> Hand:
    """Return whom the key acts for. Raises: NotAllowed when it acts for nobody."""
    person = request.auth.person
    if person is None:
        raise NotAllowed(PERSON_NEEDED, permission=str(Permission.WORK_PICKUPS))
    user = get_user_model().objects.get(pk=int(person.id))
    return Hand(user, person, locations.access(user))


def scanned_at(given: datetime | None) -> datetime:
    """Return when something was scanned: never later than now, never before the oldest that a device keeps."""
    now = clock.now()
    return now if given is None else min(max(given, now - OLDEST_SCAN), now)
