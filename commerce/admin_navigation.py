"""The sidebar of the admin: departments with their pages, only what the person may open."""

from typing import Any

from django.contrib import admin as django_admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

# Pages that are no list of a model, and the model whose readers may open them.
PAGES = {"pricing_results": "pricing_appliedprice", "pricing_elasticity": "pricing_appliedprice"}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar: departments with their pages, only what the person may open."""
    allowed = {
        f"{model._meta.app_label}_{model._meta.model_name}"
        for model, page in django_admin.site._registry.items()
        if page.has_view_permission(request)
    }
    groups: list[tuple[str, list[tuple[str, str, str]]]] = [
        (_("Catalogue and channels"), [
            (_("Products"), "inventory_2", "commerce_product"),
            (_("Channels"), "storefront", "commerce_channel"),
            (_("Channel keys"), "key", "commerce_channelkey"),
            (_("Webhook endpoints"), "webhook", "commerce_webhookendpoint"),
            (_("Listings"), "list_alt", "commerce_listing"),
        ]),
        (_("Goods"), [
            (_("Locations"), "location_on", "inventory_location"),
            (_("Location groups"), "workspaces", "inventory_locationgroup"),
            (_("Stock levels"), "stacks", "inventory_stocklevel"),
            (_("Stock journal"), "menu_book", "inventory_stockentry"),
            (_("Holds"), "hourglass_top", "inventory_hold"),
            (_("Allocations"), "bookmark", "inventory_allocation"),
            (_("Figures told to channels"), "campaign", "inventory_feedfigure"),
            (_("Suppliers"), "factory", "inventory_supplier"),
            (_("Terms of suppliers"), "handshake", "inventory_supplierterm"),
            (_("Purchase orders"), "shopping_cart", "inventory_purchaseorder"),
            (_("Transit times"), "local_shipping", "inventory_transittime"),
            (_("Value classes"), "leaderboard", "inventory_valueclassing"),
        ]),
        (_("Prices"), [
            (_("Promotions"), "local_activity", "pricing_rulesetdraft"),
            (_("Approval thresholds"), "rule", "pricing_approvalthreshold"),
            (_("Price lists"), "sell", "pricing_pricelist"),
            (_("Prices"), "euro", "pricing_priceentry"),
            (_("Files of prices"), "upload_file", "pricing_pricefile"),
            (_("Families and contents"), "straighten", "pricing_productterms"),
            (_("Currency rates"), "currency_exchange", "pricing_currencyrate"),
            (_("Tax rates"), "percent", "pricing_taxrate"),
            (_("Landed costs"), "savings", "pricing_landedcost"),
            (_("Channel fees"), "storefront", "pricing_channelfee"),
            (_("Minimum margins"), "vertical_align_bottom", "pricing_marginrule"),
            (_("Minimum advertised prices"), "visibility", "pricing_advertisedminimum"),
            (_("Prices set by hand"), "edit", "pricing_priceoverride"),
            (_("Results of campaigns"), "monitoring", "pricing_results"),
            (_("Price elasticity"), "show_chart", "pricing_elasticity"),
            (_("Quotes"), "request_quote", "pricing_quote"),
            (_("Applied prices"), "timeline", "pricing_appliedprice"),
            (_("Exemptions from prior prices"), "gavel", "pricing_priorpriceexemption"),
        ]),
        (_("Orders"), [
            (_("Orders"), "receipt_long", "orders_order"),
            (_("Fulfilments"), "shopping_bag", "orders_fulfilment"),
            (_("Routing decisions"), "alt_route", "orders_routingdecision"),
            (_("Places in routing"), "warehouse", "orders_routingnode"),
            (_("Terms of methods"), "schedule", "orders_methodterms"),
            (_("Carriers and tariffs"), "local_shipping", "orders_shippingservice"),
            (_("Restrictions of shipping"), "block", "orders_routingrestriction"),
            (_("Intake terms"), "move_to_inbox", "orders_intaketerms"),
            (_("Pickup windows and quotas"), "event_available", "commerce_quota"),
            (_("Texts of messages"), "edit_note", "orders_noticetemplate"),
            (_("Reminders of pickups"), "notifications_active", "orders_pickupreminder"),
            (_("Messages sent"), "outgoing_mail", "orders_notice"),
        ]),
        (_("Customers"), [(_("Profiles"), "person", "customers_profile")]),
        (_("Operations"), [
            (_("Staff"), "badge", "commerce_user"),
            (_("Audit"), "history", "commerce_auditentry"),
            (_("Outbox"), "outbox", "commerce_outboxmessage"),
            (_("Deliveries"), "local_shipping", "commerce_outboxdelivery"),
            (_("Inbox"), "inbox", "commerce_inboxmessage"),
            (_("Idempotency keys"), "repeat", "commerce_idempotencykey"),
        ]),
    ]  # fmt: skip
    shown = []
    links = {
        page: reverse(f"admin:{page}" if page in PAGES else f"admin:{page}_changelist")
        for _title, pages in groups
        for _name, _icon, page in pages
        if PAGES.get(page, page) in allowed
    }
    here = max((link for link in links.values() if request.path.startswith(link)), key=len, default="")
    for title, pages in groups:
        items = [
            {
                "title": name,
                "icon": icon,
                "link": links[page],
                "active": links[page] == here,  # the deepest page alone, not those above it
            }
            for name, icon, page in pages
            if page in links
        ]
        if items:
            shown.append({"title": title, "separator": True, "collapsible": False, "items": items})
    return shown
