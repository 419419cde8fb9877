"""What customers bring to the staff shell: a menu entry, and what its search field recognises as a person."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from commerce.roles import Permission
from commerce.staff import refusals, shell
from customers import queries
from customers.staff import seeing

FINDER_ORDER = 40  # after codes of goods and orders, before names of goods


def register() -> None:
    """Plug the room's screens into the shell."""
    shell.register_menu(
        shell.MenuEntry(
            key="customers",
            label=_("Customers"),
            icon="users",
            url_name="customers-staff:search",
            permission=Permission.VIEW_CUSTOMERS,
            order=50,
        )
    )
    shell.register_finder("customers", _find, order=FINDER_ORDER)
    refusals.register("profile_not_found", _("This customer isn’t known. Search by e-mail, phone or order number."))


def _find(request: HttpRequest, store: shell.Store, text: str) -> str | None:
    """Know an e-mail address or a phone number; names are searched for on the room's own page."""
    if not shell.may(request, Permission.VIEW_CUSTOMERS) or not ("@" in text or text.startswith(("+", "0"))):
        return None
    country = getattr(store, "country", "")
    found = queries.search(text, country=country, at_most=2, places=seeing.places(request))
    if len(found) == 1:
        return reverse("customers-staff:profile", args=[found[0].id])
    return f"{reverse('customers-staff:search')}?{urlencode({'q': text})}" if found else None
