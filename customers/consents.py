"""Whether a customer agreed to something. The one door that the rooms above ask before they advertise."""

from enum import StrEnum
from uuid import UUID


class Purpose(StrEnum):
    """What somebody may have agreed to."""

    MARKETING = "marketing"


def has_agreed(profile_id: UUID | None, purpose: Purpose, *, channel: str) -> bool:
    """Say whether a customer agreed to `purpose` on a channel of messages ("email", "sms").

    Until consents are kept nobody has agreed to anything: silence is no consent (Art. 7 GDPR, § 7 UWG).
    """
    return False
