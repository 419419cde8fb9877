"""Messages to customers and staff: what follows which event, in whose language, by which channel, once.

A topic registers its messages in `apps.ready` with `notifications.register(Message(...))`, or plans one itself in its own
transaction with `notifications.plan([Planned(...)])`. Texts come along; people write newer versions of them in the admin.
"""

from orders.notices import NoticeChannel, Text
from orders.notifications.catalogue import Message, register
from orders.notifications.notices import Planned, plan, resend, ring

__all__ = ["Message", "NoticeChannel", "Planned", "Text", "plan", "register", "resend", "ring"]
