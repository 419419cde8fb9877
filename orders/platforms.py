"""Orders as shop platforms tell them by webhook, read by a table into the document of our own API. [pure]

`SHOPIFY` follows the published order resource of the Admin API: amounts are decimal texts, taxes stand per line as rates
and amounts, discounts are allocated to lines, and whether prices contain tax is said once (`taxes_included`). What a table can't
say in one path is a small function beside it. A document that lacks what is needed is refused by the path that lacks it.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_LINES = 500  # that are looked at; intake has a limit of its own
Document = Mapping[str, Any]


class Unreadable(Exception):
    """The document is not what the platform publishes: `path` says where, `message` what is needed there."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path, self.message = path, message


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a field of our document comes from: a path in theirs, read by `read`. What is not needed may be left out."""

    field: str
    path: str
    read: Callable[[Any], Any]
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class Platform:
    """How a platform signs, names its events and topics, and tells orders."""

    name: str
    signature_header: str
    event_header: str
    topic_header: str
    topics: frozenset[str]
    order: tuple[Rule, ...]
    customer: tuple[Rule, ...]
    address: tuple[Rule, ...]

    def is_genuine(self, body: bytes, headers: Mapping[str, str], *, secret: str) -> bool:
        """Whether the platform sent this very body: base64 of its HMAC-SHA256 by the shared secret, compared in constant time."""
        if not secret:
            return False
        expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(expected.encode(), headers.get(self.signature_header, "").encode())


def translate(platform: Platform, document: Document) -> dict[str, Any]:
    """Return an order of a platform as a document of our API. Raises: Unreadable naming the path."""
    if not isinstance(document, Mapping):
        raise Unreadable("", "an object is needed")
    made = _read(platform.order, document)
    customer, address = _read(platform.customer, document), _read(platform.address, document)
    lines, pricing = _lines(document), _pricing(document)
    found = {**made, "method": "ship", "lines": lines, "pricing": pricing}
    if customer:
        found["customer"] = customer
    if address:
        found["ship_to"] = address
    if payments := _payments(document, pricing["total_minor"]):
        found["payments"] = payments
    return found


# --- readers --------------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | list | dict):
        raise ValueError("a text is needed")
    return str(value).strip()


def _language(value: Any) -> str:
    return _text(value)[:2].lower()


def _country(value: Any) -> str:
    text = _text(value).upper()
    if len(text) != 2:
        raise ValueError("a country as two letters is needed")
    return text


def _minor(value: Any) -> int:
    try:
        amount = Decimal(_text(value)).scaleb(2)
    except InvalidOperation as error:
        raise ValueError("an amount such as 12.90 is needed") from error
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
        raise ValueError("an amount such as 12.90 is needed")
    return int(amount)


def _count(value: Any) -> int:
    if value.__class__ is not int or value < 1:
        raise ValueError("a whole number of at least 1 is needed")
    return int(value)


def _at(document: Any, path: str) -> Any:
    found = document
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _read(rules: Sequence[Rule], document: Document) -> dict[str, Any]:
    found = {}
    for rule in rules:
        value = _at(document, rule.path)
        if value is None or value == "":
            if rule.is_needed:
                raise Unreadable(rule.path, "is needed")
            continue
        try:
            read = rule.read(value)
        except ValueError as error:
            raise Unreadable(rule.path, str(error)) from error
        if read != "":
            found[rule.field] = read
    return found


def _need(document: Any, path: str, read: Callable[[Any], Any], *, where: str = "") -> Any:
    value = _at(document, path)
    try:
        return read(value)
    except ValueError as error:
        raise Unreadable(f"{where}{path}", str(error)) from error


def _items(document: Any, path: str, *, where: str = "") -> list[Any]:
    found = _at(document, path)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > MOST_LINES or not all(isinstance(one, Mapping) for one in found):
        raise Unreadable(f"{where}{path}", f"a list of at most {MOST_LINES} objects is needed")
    return found


# --- lines and money ------------------------------------------------------------------------------------------------------


def _taxes(item: Document, where: str) -> tuple[int, int]:
    """Return the tax of an item in minor units and its rate in 1/100 %: several taxes of one item count as one."""
    amount, rate = 0, Decimal(0)
    for number, tax in enumerate(_items(item, "tax_lines", where=where)):
        at = f"{where}tax_lines[{number}]."
        amount += _need(tax, "price", _minor, where=at)
        try:
            rate += Decimal(str(_at(tax, "rate") or 0))
        except InvalidOperation as error:
            raise Unreadable(f"{at}rate", "a rate such as 0.19 is needed") from error
    return amount, int((rate * 10_000).to_integral_value())


def _discounts(item: Document, document: Document, where: str) -> list[dict[str, Any]]:
    applied = _items(document, "discount_applications")
    found = []
    for number, one in enumerate(_items(item, "discount_allocations", where=where)):
        amount = _need(one, "amount", _minor, where=f"{where}discount_allocations[{number}].")
        if not amount:
            continue
        index = _at(one, "discount_application_index")
        source = applied[index] if index.__class__ is int and 0 <= index < len(applied) else {}
        said = {"name": str(source.get("title") or source.get("code") or "discount")[:80], "amount_minor": amount}
        if source.get("code"):
            said["code"] = str(source["code"])[:40]
        found.append(said)
    return found


def _lines(document: Document) -> list[dict[str, Any]]:
    found = []
    for number, item in enumerate(_items(document, "line_items")):
        where = f"line_items[{number}]."
        quantity = _need(item, "quantity", _count, where=where)
        price = _need(item, "price", _minor, where=where)
        sku = _need(item, "sku", _text, where=where)
        if not sku:
            raise Unreadable(f"{where}sku", "is needed: give the variant one")
        discounts = _discounts(item, document, where)
        tax, rate = _taxes(item, where)
        said: dict[str, Any] = {
            "unit_price_minor": price,
            "total_minor": price * quantity - sum(one["amount_minor"] for one in discounts),
            "tax_minor": tax,
            "tax_basis_points": rate,
        }
        if discounts:
            said["discounts"] = discounts
        found.append({"sku": sku, "quantity": quantity, "price": said})
    if not found:
        raise Unreadable("line_items", "at least one is needed")
    return found


def _pricing(document: Document) -> dict[str, Any]:
    said: dict[str, Any] = {
        "currency": _need(document, "currency", _text),
        "is_gross": _at(document, "taxes_included") is True,
        "total_minor": _need(document, "total_price", _minor),
        "tax_minor": _need(document, "total_tax", _minor),
    }
    amount = tax = rate = 0
    for number, item in enumerate(_items(document, "shipping_lines")):
        where = f"shipping_lines[{number}]."
        off = sum(one["amount_minor"] for one in _discounts(item, document, where))
        amount += _need(item, "price", _minor, where=where) - off
        more, its_rate = _taxes(item, where)
        tax, rate = tax + more, max(rate, its_rate)
    if amount:
        said["shipping"] = {"amount_minor": amount, "tax_minor": tax, "tax_basis_points": rate}
    return said


# How far the money is, by the platform's word; what is not named here brings no payment, and its order waits for money.
PAID = {"pending": "pending", "authorized": "authorised", "paid": "captured"}


def _payments(document: Document, total_minor: int) -> list[dict[str, Any]]:
    status = PAID.get(str(_at(document, "financial_status") or ""))
    if status is None or not total_minor:
        return []
    return [
        {
            "provider": "channel", "reference": _need(document, "id", _text), "method": "channel",
            "amount_minor": total_minor, "status": status,
        }
    ]  # fmt: skip


def _street(document: Any) -> str:
    if not isinstance(document, Mapping):
        raise ValueError("an object is needed")
    return ", ".join(part for part in (_text(document.get(name) or "") for name in ("address1", "address2")) if part)


SHOPIFY = Platform(
    name="shopify",
    signature_header="x-shopify-hmac-sha256",
    event_header="x-shopify-event-id",
    topic_header="x-shopify-topic",
    topics=frozenset({"orders/create"}),
    order=(
        Rule("external_reference", "id", _text, is_needed=True),
        Rule("occurred_at", "created_at", _text),
    ),
    customer=(
        Rule("name", "shipping_address.name", _text),
        Rule("email", "email", _text),
        Rule("phone", "shipping_address.phone", _text),
        Rule("language", "customer_locale", _language),
        Rule("channel_customer_id", "customer.id", _text),
    ),
    address=(
        Rule("street", "shipping_address", _street),
        Rule("postal_code", "shipping_address.zip", _text),
        Rule("city", "shipping_address.city", _text),
        Rule("country", "shipping_address.country_code", _country),
    ),
)
PLATFORMS = {SHOPIFY.name: SHOPIFY}
