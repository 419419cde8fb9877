"""Who did it. Every verb takes `by: Actor`; the audit and the journals store it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commerce.models import ChannelKey, User


class ActorKind(StrEnum):
    STAFF = "staff"
    CHANNEL = "channel"
    CUSTOMER = "customer"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A staff member, a channel's key, a customer by signed link, or the system itself.

    `id` identifies within the kind (user id, channel code, customer id, process name); `label` is what a timeline shows.
    """

    kind: ActorKind
    id: str
    label: str

    @classmethod
    def staff(cls, user: "User") -> "Actor":
        return cls(ActorKind.STAFF, str(user.pk), user.get_full_name() or user.get_username())

    @classmethod
    def channel(cls, key: "ChannelKey") -> "Actor":
        return cls(ActorKind.CHANNEL, key.channel.code, f"{key.channel.name} ({key.name})")

    @classmethod
    def customer(cls, profile_id: object) -> "Actor":
        """A customer acting through a signed link. The label holds no name, so erasure never has to touch journals."""
        return cls(ActorKind.CUSTOMER, str(profile_id), "Customer")

    @classmethod
    def system(cls, name: str) -> "Actor":
        return cls(ActorKind.SYSTEM, name, f"System: {name}")
