"""What inventory brings to the staff shell: its menu entries, its finders, its refusals in the reader's language."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.reconciliation import discrepancy_lists
from inventory.staff import count_room, deliveries, finding, moving_rooms


def register() -> None:
    """Plug the room's screens into the shell."""
    shell.register_menu(
        shell.MenuEntry(
            key="stock",
            label=_("Stock"),
            icon="package-search",
            url_name="inventory-staff:stock",
            permission=Permission.VIEW_STOCK,
            order=20,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="receive",
            label=_("Receive goods"),
            icon="package-plus",
            url_name="inventory-staff:receive",
            permission=Permission.RECEIVE_STOCK,
            order=60,
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="sharing",
            label=_("Withhold and share"),
            icon="shield",
            url_name="inventory-staff:sharing",
            permission=Permission.MANAGE_SHARING,
            order=70,
            is_only_in_more=True,
            is_for_all_stores=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="scarcity",
            label=_("Scarcity"),
            icon="message-square",
            url_name="inventory-staff:scarcity",
            permission=Permission.MANAGE_SCARCITY,
            order=72,
            is_only_in_more=True,
            is_for_all_stores=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="replenishment",
            label=_("Reorder"),
            icon="repeat",
            url_name="inventory-staff:replenishment",
            permission=Permission.MANAGE_SUPPLY,
            order=65,
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="discrepancies",
            label=_("Differences"),
            icon="scale",
            url_name="inventory-staff:discrepancies",
            permission=Permission.MANAGE_DISCREPANCIES,
            order=55,
            counter=lambda store: discrepancy_lists.count_open(store.id),
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="deliveries",
            label=pgettext_lazy("goods", "Deliveries"),
            icon="truck",
            url_name="inventory-staff:deliveries",
            permission=Permission.RECEIVE_STOCK,
            order=58,
            counter=deliveries.due_here,
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="purchase-orders",
            label=_("Purchase orders"),
            icon="clipboard-list",
            url_name="inventory-staff:purchase-orders",
            permission=Permission.MANAGE_SUPPLY,
            order=64,
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="seals",
            label=_("Sealed journal"),
            icon="stamp",
            url_name="inventory-staff:seals",
            permission=Permission.MANAGE_DISCREPANCIES,
            order=56,
            is_only_in_more=True,
            is_for_all_stores=True,
        )
    )
    moving_rooms.register()
    shell.register_finder("goods by code", finding.by_code, order=finding.CODES_ORDER)
    shell.register_finder("goods by name", finding.by_name, order=finding.NAMES_ORDER)
    count_room.register()
    for code, sentence in _SENTENCES.items():
        refusals.register(code, sentence)


_SENTENCES = {
    "purchase_order_state_wrong": _("This has moved on in the meantime. Load the page again and look at its state."),
    "unknown_supplier": _("This supplier isn’t active any more. Choose another one."),
    "reference_taken": _("This reference names another order already: %(number)s."),
    "received_already": _("%(received)s pieces of %(sku)s have come already; the order can’t say %(wanted)s."),
    "proposal_not_open": _("One of these was decided or replaced in the meantime. Look at the newest list."),
    "proposal_unknown": _("This proposal doesn’t exist, or not for this store."),
    "rule_contradicts": _(
        "This contradicts itself or another rule: check levels and days, or change the rule that exists."
    ),
    "stock_rule_violated": _(
        "Of the %(on_hand)s pieces on hand %(allocated)s are promised to orders and %(held)s are in baskets; only the rest "
        "can be taken off. Cancel those orders first, or correct by less."
    ),
    "sharing_state_wrong": _("This has moved on in the meantime. Look at its new state."),
    "preview_needed": _("The figures are too old. Measure again what the rule would change, then activate it."),
    "confirmation_needed": _("This rule withholds everything that it is about. Write “%(words)s” to confirm that."),
    "discrepancy_settled": _("Someone has settled this difference in the meantime. Go back to the list."),
    "not_repairable": _(
        "This was booked as it happened, or concerns no single place. Settle it with a sentence instead."
    ),
    "insufficient_stock": _("There isn’t enough stock for this. Look for another store that has the goods."),
}
