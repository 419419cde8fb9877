"""What the pages about moving goods bring to the shell: menu entries, links from the journal, refusals in words."""

from collections.abc import Sequence
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from commerce.roles import Permission
from commerce.staff import links, refusals, shell
from inventory.staff import transfer_words
from inventory.transport import records


def register() -> None:
    """Plug the pages into the shell."""
    shell.register_menu(
        shell.MenuEntry(
            key="transfers",
            label=_("Transfers"),
            icon="arrow-left-right",
            url_name="inventory-staff:transfers",
            permission=Permission.MOVE_STOCK,
            order=62,
            counter=lambda store: records.count_coming(store.id),
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="shelves",
            label=_("Put away"),
            icon="archive",
            url_name="inventory-staff:shelves",
            permission=Permission.MOVE_STOCK,
            order=63,
            is_only_in_more=True,
        )
    )
    links.register(records.CAUSE, _transfers, permission=Permission.MOVE_STOCK)
    for code, sentence in transfer_words.SENTENCES.items():
        refusals.register(code, sentence)


def _transfers(cause_ids: Sequence[str]) -> dict[str, links.Link]:
    """Return the page of each transfer that caused entries of the journal."""
    numbers = records.numbers([UUID(cause_id) for cause_id in cause_ids])
    return {
        str(transfer_id): links.Link(number, reverse("inventory-staff:transfer", args=[transfer_id]))
        for transfer_id, number in numbers.items()
    }
