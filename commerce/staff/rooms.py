"""What the ground itself brings to the staff shell: the parked messages."""

from django.utils.translation import gettext_lazy as _

from commerce import outbox
from commerce.roles import Permission
from commerce.staff import shell


def register() -> None:
    """Plug the page for parked messages into the shell."""
    shell.register_menu(
        shell.MenuEntry(
            key="messages",
            label=_("Parked messages"),
            icon="mail-warning",
            url_name="staff:messages",
            permission=Permission.MANAGE_MESSAGES,
            order=80,
            counter=lambda _store: outbox.parked_count(),
            is_only_in_more=True,
            is_for_all_stores=True,
        )
    )
