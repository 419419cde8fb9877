"""What counting brings to the staff shell: its place in the menu, its refusals, and the page of a count from a timeline."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce.roles import Permission
from commerce.staff import links, refusals, shell
from inventory.stocktaking import lists, settlement

_SENTENCES = {
    "count_not_found": _("There is no such count at this store."),
    "count_state_wrong": _("This count has moved on in the meantime. Look at its new state."),
    "second_person_needed": _("You counted %(sku)s yourself, so somebody else has to decide about its difference."),
}


def register() -> None:
    """Plug counting into the shell."""
    shell.register_menu(
        shell.MenuEntry(
            key="counts", label=_("Count"), icon="clipboard-list", url_name="inventory-staff:counts",
            permission=Permission.COUNT_STOCK, order=30, counter=lambda store: lists.waiting(store.id),
        )
    )  # fmt: skip
    links.register(settlement.CAUSE, _links, permission=Permission.COUNT_STOCK)
    for code, sentence in _SENTENCES.items():
        refusals.register(code, sentence)


def _links(cause_ids: Sequence[str]) -> Mapping[str, links.Link]:
    found = lists.numbers(UUID(cause_id) for cause_id in cause_ids)
    return {
        str(count_id): links.Link(
            _now("Count %(number)s") % {"number": number}, reverse("inventory-staff:count", args=[count_id])
        )
        for count_id, number in found.items()
    }
