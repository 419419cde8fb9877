"""The one writer of channels, products, barcodes and listings; `product_refs` is the way from a SKU to its product.

Every change is in the audit; products and channels keep their versions besides (the admin shows them).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from simple_history.utils import bulk_update_with_history

from commerce import audit, clock, events, gtin, integrity, outbox
from commerce.actors import Actor, ActorKind
from commerce.errors import DuplicateCode, InvalidInput, NotFound
from commerce.models import AGES, Channel, ChannelKind, KitComponent, Product, ProductGtin, ProductKind, User
from commerce.product_refs import (
    ProductRef,
    forget,
    ids_of,
    known,
    product_by_barcode,
    products_by_id,
    products_by_sku,
    volume,
)
from commerce.transactions import transaction_required

__all__ = [
    "ProductRef", "ProductSpec", "add_channel", "add_gtin", "add_product", "add_products", "change_channel",
    "change_product", "facts", "forget", "ids_of", "known", "list_products", "product_by_barcode", "products_by_id",
    "products_by_sku", "remove_gtin", "touch", "unlist_products",
]  # fmt: skip

LISTED_AT_ONCE = 500  # products in one message
BATCH = 1000  # rows per INSERT: past this a longer statement gains nothing

GOODS = str(ProductKind.GOODS)

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+ -]{0,63}")
_CHANNEL_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CHANNEL_FIELDS = ("name", "kind", "country", "currency", "language", "is_active")
_PRODUCT_FIELDS = (
    "name", "brand", "category", "kind", "tax_class", "weight_grams", "length_mm", "width_mm", "height_mm",
    "minimum_age", "is_active",
)  # fmt: skip
_LIST = """
INSERT INTO commerce_listing (channel_id, product_id)
SELECT %s, product_id FROM unnest(%s::bigint[]) AS wanted (product_id) ORDER BY product_id
ON CONFLICT (channel_id, product_id) DO NOTHING RETURNING product_id
"""
_UNLIST = "DELETE FROM commerce_listing WHERE channel_id = %s AND product_id = ANY(%s) RETURNING product_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSpec:
    """A product to add. `gtins` are (barcode, pieces that one scan stands for)."""

    sku: str
    name: str
    kind: str = GOODS
    brand: str = ""
    category: str = ""
    tax_class: str = "standard"
    weight_grams: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    minimum_age: int | None = None
    gtins: tuple[tuple[str, int], ...] = field(default=())


# --- channels -------------------------------------------------------------------------------------------------------


@transaction_required
def add_channel(
    *, code: str, name: str, kind: str, country: str, currency: str, language: str = "de", by: Actor
) -> Channel:
    """Open a channel.

    Raises: InvalidInput for a malformed code, kind, country or currency; DuplicateCode when the code is taken.
    """
    if not _CHANNEL_CODE.fullmatch(code):
        raise _invalid("code", code, "A channel's code has up to 40 small letters, digits, - and _.")
    values = {"name": name, "kind": kind, "country": country, "currency": currency, "language": language}
    _check_channel(values)
    if Channel.objects.filter(code=code).exists():
        raise DuplicateCode(f"There is a channel {code} already.", code=code)
    channel = Channel(code=code, **values)
    _signed(channel, by)
    channel.save()
    audit.record("commerce.catalog.add_channel", "channel", channel.pk, by=by, after={"code": code, **values})
    return channel


@transaction_required
def change_channel(channel_id: int, *, by: Actor, **changes: Any) -> Channel:
    """Change name, kind, country, currency, language or is_active of a channel; what stays the same is not recorded.

    Raises: NotFound, InvalidInput.
    """
    channel = Channel.objects.select_for_update().filter(pk=channel_id).first()
    if channel is None:
        raise NotFound(f"There is no channel {channel_id}.", channel=channel_id)
    _only(changes, _CHANNEL_FIELDS)
    _check_channel(changes)
    before, after = _difference(channel, changes)
    if after:
        _signed(channel, by)
        channel.save()
        audit.record("commerce.catalog.change_channel", "channel", channel.pk, by=by, before=before, after=after)
    return channel


@transaction_required
def list_products(channel: Channel | int, products: Iterable[ProductRef | int], *, by: Actor) -> int:
    """Offer products on a channel; return how many are new there. Listing again changes nothing.

    Raises: InvalidInput for a kit without components.
    """
    channel_id = channel if isinstance(channel, int) else channel.pk
    product_ids = [product if isinstance(product, int) else product.id for product in products]
    with connection.cursor() as cursor:
        cursor.execute(_LIST, [channel_id, product_ids])
        fresh = sorted(product_id for (product_id,) in cursor.fetchall())
    if fresh:
        empty = (
            Product.objects.filter(pk__in=fresh, kind=ProductKind.KIT, components__isnull=True).order_by("sku").first()
        )
        if empty is not None:
            raise _empty(empty)
        audit.record("commerce.catalog.list_products", "channel", channel_id, by=by, after={"products": fresh})
        at = clock.now()
        facts = [
            events.ProductsListed(
                aggregate_sequence=int(at.timestamp() * 1000) + start, occurred_at=at, channel_id=channel_id,
                product_ids=fresh[start : start + LISTED_AT_ONCE],
            )
            for start in range(0, len(fresh), LISTED_AT_ONCE)
        ]  # fmt: skip
        outbox.publish(facts, by=by)
    return len(fresh)


@transaction_required
def unlist_products(channel: Channel | int, products: Iterable[ProductRef | int], *, by: Actor) -> int:
    """Take products off a channel; return how many were on it."""
    channel_id = channel if isinstance(channel, int) else channel.pk
    product_ids = [product if isinstance(product, int) else product.id for product in products]
    with connection.cursor() as cursor:
        cursor.execute(_UNLIST, [channel_id, product_ids])
        gone = sorted(product_id for (product_id,) in cursor.fetchall())
    if gone:
        audit.record("commerce.catalog.unlist_products", "channel", channel_id, by=by, before={"products": gone})
    return len(gone)


# --- products -------------------------------------------------------------------------------------------------------


def add_product(
    *, sku: str, name: str, gtins: Iterable[str | tuple[str, int]] = (), by: Actor, **facts: Any
) -> ProductRef:
    """Add one product with its barcodes (text, or text with the pieces of a case pack); `facts` are those of ProductSpec.

    Raises: InvalidInput for a malformed SKU, kind or barcode; DuplicateCode when SKU or barcode is taken.
    """
    codes = tuple((code, 1) if isinstance(code, str) else code for code in gtins)
    return add_products([ProductSpec(sku=sku, name=name, gtins=codes, **facts)], by=by)[sku]


@transaction_required
def add_products(specs: Sequence[ProductSpec], *, by: Actor, skip_existing: bool = False) -> dict[str, ProductRef]:
    """Add many products at once, with their barcodes, versions and audit; return the refs of all asked by SKU.

    With `skip_existing` a SKU that exists already is left as it is (imports that resume); else it is refused.

    Raises: InvalidInput, DuplicateCode; nothing is added then.
    """
    barcodes = _checked(specs)
    skus = [spec.sku for spec in specs]
    existing = set(Product.objects.filter(sku__in=skus).values_list("sku", flat=True))
    if existing and not skip_existing:
        first = min(existing)
        raise DuplicateCode(f"There is a product {first} already.", sku=first, skus=sorted(existing)[:100])
    fresh = [spec for spec in specs if spec.sku not in existing]
    _refuse_taken([code for spec in fresh for code, _pieces in barcodes[spec.sku]])
    products = [
        Product(
            sku=spec.sku,
            is_active=spec.kind != ProductKind.KIT,  # a kit is active once it has components
            **{name: getattr(spec, name) for name in _PRODUCT_FIELDS if name != "is_active"},
        )
        for spec in fresh
    ]
    made = Product.objects.bulk_create(products, batch_size=BATCH)
    _keep_first_versions(made, by)
    ProductGtin.objects.bulk_create(
        [
            ProductGtin(product=product, gtin=code, pieces=pieces)
            for product in made
            for code, pieces in barcodes[product.sku]
        ],
        batch_size=BATCH,
    )
    audit.record_many(
        [
            audit.AuditRow(
                verb="commerce.catalog.add_product",
                object_type="product",
                object_id=product.pk,
                after={
                    "sku": product.sku,
                    "name": product.name,
                    "kind": str(product.kind),
                    "tax_class": product.tax_class,
                    "gtins": [code for code, _pieces in barcodes[product.sku]],
                },
            )
            for product in made
        ],
        by=by,
    )
    forget(skus)
    refs = {
        product.sku: ProductRef(
            product.pk,
            product.sku,
            product.name,
            str(product.kind),
            product.tax_class,
            tuple(code for code, _pieces in barcodes[product.sku]),
            product.is_active,
            product.category,
            (),
            product.minimum_age,
            product.weight_grams,
            volume(product.length_mm, product.width_mm, product.height_mm),
        )
        for product in made
    }
    return refs | (products_by_sku(existing) if existing else {})


@transaction_required
def change_product(product_id: int, *, by: Actor, **changes: Any) -> ProductRef:
    """Change what a product is called, how it is taxed, what it weighs, whether it is active. The SKU never changes.

    Nor does a kit become anything else. Raises: NotFound, InvalidInput, also for activating a kit without components.
    """
    product = Product.objects.select_for_update().filter(pk=product_id).first()
    if product is None:
        raise NotFound(f"There is no product {product_id}.", product=product_id)
    _only(changes, _PRODUCT_FIELDS)
    _check_product({"sku": product.sku, "name": product.name, "kind": product.kind} | changes)
    _check_kit(product, changes)
    before, after = _difference(product, changes)
    if after:
        product.updated_at = clock.now()
        bulk_update_with_history(
            [product],
            Product,
            [*after, "updated_at"],
            default_user=_staff(by),
            default_change_reason=_reason(by),
        )
        audit.record("commerce.catalog.change_product", "product", product.pk, by=by, before=before, after=after)
    forget([product.sku])
    return products_by_sku([product.sku])[product.sku]


@transaction_required
def add_gtin(product_id: int, text: str, *, pieces: int = 1, by: Actor) -> str:
    """Give a product one more barcode and return it as 14 digits. The same barcode again changes nothing.

    Raises: NotFound, InvalidInput for a wrong barcode, DuplicateCode when it belongs to another product.
    """
    code = _barcode(text, pieces)
    product = Product.objects.filter(pk=product_id).first()
    if product is None:
        raise NotFound(f"There is no product {product_id}.", product=product_id)
    known = ProductGtin.objects.filter(gtin=code).first()
    if known is not None and (known.product_id != product_id or known.pieces != pieces):
        raise DuplicateCode(f"The barcode {code} is in use already.", gtin=code)
    if known is None:
        ProductGtin.objects.create(product=product, gtin=code, pieces=pieces)
        audit.record("commerce.catalog.add_gtin", "product", product_id, by=by, after={"gtin": code, "pieces": pieces})
        touch(product_id)
        forget([product.sku])
    return code


@transaction_required
def remove_gtin(product_id: int, text: str, *, by: Actor) -> None:
    """Take a barcode off a product. Raises: NotFound when it has none such."""
    code = _barcode(text, 1)
    known = ProductGtin.objects.select_related("product").filter(product_id=product_id, gtin=code).first()
    if known is None:
        raise NotFound(f"Product {product_id} has no barcode {code}.", product=product_id, gtin=code)
    known.delete()
    audit.record(
        "commerce.catalog.remove_gtin", "product", product_id, by=by, before={"gtin": code, "pieces": known.pieces}
    )
    touch(product_id)
    forget([known.product.sku])


# --- checks ---------------------------------------------------------------------------------------------------------


def facts(product_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return what is written down of products, by the names that `change_product` takes; unknown ids are missing."""
    rows = Product.objects.filter(pk__in=list(product_ids)).values("id", *_PRODUCT_FIELDS)
    return {row.pop("id"): row for row in rows}


def touch(product_id: int) -> None:
    """Let every process see that something of the product changed."""
    Product.objects.filter(pk=product_id).update(updated_at=clock.now())


def _checked(specs: Sequence[ProductSpec]) -> dict[str, list[tuple[str, int]]]:
    """Check every spec and return the normalised barcodes by SKU."""
    barcodes: dict[str, list[tuple[str, int]]] = {}
    owner: dict[str, str] = {}
    for spec in specs:
        if spec.sku in barcodes:
            raise DuplicateCode(f"The product {spec.sku} is there twice.", sku=spec.sku)
        _check_product({name: getattr(spec, name) for name in ("sku", *_PRODUCT_FIELDS) if name != "is_active"})
        barcodes[spec.sku] = [(_barcode(text, pieces), pieces) for text, pieces in spec.gtins]
        for code, _pieces in barcodes[spec.sku]:
            if owner.setdefault(code, spec.sku) != spec.sku or [c for c, _ in barcodes[spec.sku]].count(code) > 1:
                raise DuplicateCode(f"The barcode {code} is there twice.", gtin=code, sku=spec.sku)
    return barcodes


def _refuse_taken(codes: Sequence[str]) -> None:
    taken = ProductGtin.objects.filter(gtin__in=codes).select_related("product").order_by("gtin").first()
    if taken is not None:
        raise DuplicateCode(
            f"The barcode {taken.gtin} belongs to {taken.product.sku}.", gtin=taken.gtin, sku=taken.product.sku
        )


def _barcode(text: str, pieces: int) -> str:
    if pieces < 1:
        raise _invalid("pieces", pieces, "One scan stands for at least one piece.")
    try:
        return gtin.normalise(text)
    except ValueError as error:
        raise _invalid("gtin", text, f"Not a barcode: {error}.") from error


def _check_product(values: dict[str, Any]) -> None:
    if not _CODE.fullmatch(values["sku"]) or values["sku"] != values["sku"].strip():
        raise _invalid(
            "sku", values["sku"], "A SKU has 1 to 64 letters, digits, spaces and . _ / + - and starts with one."
        )
    if not values["name"].strip() or len(values["name"]) > 250:
        raise _invalid("name", values["name"], "A product has a name of up to 250 characters.")
    if values["kind"] not in ProductKind.values:
        raise _invalid("kind", values["kind"], f"A product is one of {', '.join(ProductKind.values)}.")
    for name in ("weight_grams", "length_mm", "width_mm", "height_mm"):
        amount = values.get(name)
        if amount is not None and not 0 <= amount <= 2_000_000_000:
            raise _invalid(name, amount, "A measure is a whole number from 0 to 2,000,000,000.")
    age = values.get("minimum_age")
    if age is not None and age not in AGES:
        raise _invalid(
            "minimum_age",
            age,
            f"An age is one of {', '.join(map(str, AGES))}; leave it out for goods that anybody may have.",
        )


def _check_kit(product: Product, changes: dict[str, Any]) -> None:
    kind = changes.get("kind", product.kind)
    if kind != product.kind:
        if ProductKind.KIT in (kind, product.kind):
            raise _invalid("kind", kind, f"{product.sku} can't become a kit or cease to be one; add another product.")
        part = KitComponent.objects.select_related("kit").filter(component=product).order_by("kit__sku").first()
        if part is not None:
            raise _invalid("kind", kind, f"{product.sku} is a component of {part.kit.sku} and stays goods.")
    if changes.get("is_active") and kind == ProductKind.KIT and not product.components.exists():
        raise _empty(product)


def _empty(kit: Product) -> InvalidInput:
    return _invalid("components", kit.sku, f"The kit {kit.sku} has no components yet; say what is in it first.")


def _check_channel(values: dict[str, Any]) -> None:
    if "kind" in values and values["kind"] not in ChannelKind.values:
        raise _invalid("kind", values["kind"], f"A channel is one of {', '.join(ChannelKind.values)}.")
    if "country" in values and not re.fullmatch(r"[A-Z]{2}", values["country"]):
        raise _invalid("country", values["country"], "A country is its two-letter ISO code, such as DE.")
    if "currency" in values and not re.fullmatch(r"[A-Z]{3}", values["currency"]):
        raise _invalid("currency", values["currency"], "A currency is its three-letter ISO code, such as EUR.")


def _only(changes: dict[str, Any], fields: tuple[str, ...]) -> None:
    for name in changes:
        if name not in fields:
            raise _invalid(name, changes[name], f"This can't be changed; what can: {', '.join(fields)}.")


def _difference(row: Channel | Product, changes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set what differs on the row and return (before, after) of just that."""
    before = {name: getattr(row, name) for name, value in changes.items() if getattr(row, name) != value}
    for name in before:
        setattr(row, name, changes[name])
    return before, {name: changes[name] for name in before}


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": name, "value": value, "message": message}])


def _signed(row: Channel, by: Actor) -> None:
    """Tell the version that will be kept of this row who made it."""
    row._history_user = _staff(by)
    row._change_reason = _reason(by)


def _keep_first_versions(products: Sequence[Product], by: Actor) -> None:
    """Write the first version of each product as the database has it, in one statement."""
    versions = Product.history.model._meta.db_table
    columns = ", ".join(f'"{column.column}"' for column in Product._meta.concrete_fields)
    user = _staff(by)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {versions} ({columns}, history_date, history_type, history_change_reason, history_user_id) "
            f"SELECT {columns}, %s, '+', %s, %s FROM commerce_product WHERE id = ANY(%s) ORDER BY id",
            [clock.now(), _reason(by), user and user.pk, [product.pk for product in products]],
        )


def _staff(by: Actor) -> User | None:
    return User.objects.filter(pk=by.id).first() if by.kind is ActorKind.STAFF else None


def _reason(by: Actor) -> str:
    return "" if by.kind is ActorKind.STAFF else by.label[:100]


integrity.refuse("commerce_product_sku_key", lambda: DuplicateCode("A product with this SKU exists already."))
integrity.refuse("commerce_productgtin_gtin_key", lambda: DuplicateCode("This barcode is in use already."))
integrity.refuse("commerce_channel_code_key", lambda: DuplicateCode("A channel with this code exists already."))
