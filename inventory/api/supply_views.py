"""The supply part of the API: suppliers, purchase orders, deliveries that others announce, and what is on its way."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock, ids
from commerce.api.paging import CursorPaging
from commerce.api.schema import page_of
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import NotFound
from commerce.roles import Scope
from inventory import incoming
from inventory.api import reported
from inventory.api import supply_serializers as serializers
from inventory.errors import SupplierUnknown
from inventory.models import PurchaseOrder
from inventory.places import locations
from inventory.procurement import goods_in, lead_times, lists, purchase_orders, suppliers
from inventory.procurement.goods_in import ReceivedLine
from inventory.procurement.purchase_orders import OrderLine
from inventory.procurement.suppliers import SupplierRef
from inventory.purchasing import PurchaseOrderState, allowed_actions
from inventory.stock import Condition

# --- suppliers ------------------------------------------------------------------------------------------------------


class SuppliersView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Suppliers", parameters=[serializers.SupplierParameters], responses=serializers.SuppliersDocument
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the active suppliers by code, with their calendars and what their deliveries taught us."""
        asked = serializers.SupplierParameters.of(request)
        found = suppliers.active(after=asked.get("after", ""), at_most=asked["limit"] + 1)
        shown = found[: asked["limit"]]
        more = shown[-1].code if len(found) > asked["limit"] else None
        return self.reply({"items": _suppliers(shown), "next_after": more})


class SupplierView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE}

    @extend_schema(summary="One supplier", responses=serializers.SupplierDocument)
    def get(self, request: ApiRequest, code: str) -> HttpResponse:
        """Read an active supplier by its code."""
        return self.reply(_suppliers([_supplier(code)])[0])


def _supplier(code: str) -> SupplierRef:
    """Return the supplier that an address names. Raises: NotFound."""
    try:
        return suppliers.ref(code)
    except SupplierUnknown as unknown:
        raise NotFound(unknown.message) from unknown


def _suppliers(found: Sequence[SupplierRef]) -> list[dict[str, Any]]:
    now = clock.now()
    learned = lead_times.of_suppliers([one.id for one in found], at=now)
    documents = []
    for one in found:
        known, calendar, following = learned.get(one.id), one.calendar, suppliers.next_delivery(one, at=now)
        documents.append(
            {
                "code": one.code, "name": one.name, "currency": one.currency, "country": calendar.country,
                "minimum_order_minor": one.minimum_order_minor, "lead_time_days": calendar.lead_time_days,
                "order_weekdays": sorted(calendar.order_weekdays), "delivery_weekdays": sorted(calendar.delivery_weekdays),
                "closures": [{"first_day": first, "last_day": last} for first, last in calendar.closures],
                "learned_lead_time": known and {
                    "mean_days": round(known.days, 2), "deviation_days": round(known.deviation_days, 2),
                    "deliveries": known.deliveries,
                },
                "next_delivery": following and {
                    "order_on": following.order_on, "order_by": following.order_by, "delivered_on": following.delivered_on,
                },
            }
        )  # fmt: skip
    return documents


# --- purchase orders ------------------------------------------------------------------------------------------------


class PurchaseOrdersView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE, "POST": Scope.SUPPLY_WRITE}
    paging = CursorPaging("-created_at", "-id")

    @extend_schema(
        operation_id="list_purchase_orders",
        summary="Purchase orders and expected deliveries, newest first",
        parameters=[serializers.PurchaseOrderFilters],
        responses={200: page_of(serializers.PurchaseOrderDocument)},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List orders by page; narrow by state, location, supplier and reference."""
        asked = serializers.PurchaseOrderFilters.of(request)
        rows = lists.orders(
            states=[PurchaseOrderState(state) for state in asked["state"]] if asked.get("state") else None,
            location_ids=[locations.ref(code).id for code in asked["location"]] if asked.get("location") else None,
            supplier_id=suppliers.ref(asked["supplier"]).id if asked.get("supplier") else None,
            reference=asked.get("reference", ""),
        )
        return self.reply(
            self.paging.page(request, rows, limit=asked["limit"], cursor=asked.get("cursor"), present=documents)
        )

    @extend_schema(
        operation_id="draft_purchase_order",
        summary="Draft a purchase order",
        request=serializers.PurchaseOrderBody,
        responses={201: serializers.PurchaseOrderDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Write down what is to be ordered, in quantities that the supplier sells. Nothing is on its way yet."""
        body = serializers.PurchaseOrderBody.read(request.data)
        supplier, place = suppliers.ref(body["supplier"]), locations.ref(body["location"])
        lines = _lines(body["lines"])

        def work() -> tuple[int, Any]:
            row = purchase_orders.draft(
                ids.new(), supplier_id=supplier.id, location_id=place.id, lines=lines, by=request.auth.actor,
                at=clock.now(), reference=body["reference"], note=body["note"],
            )  # fmt: skip
            return 201, _document(row)

        return self.once(request, work)


class PurchaseOrderView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE, "PUT": Scope.SUPPLY_WRITE}

    @extend_schema(summary="One purchase order", responses=serializers.PurchaseOrderDocument)
    def get(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        """Read an order with what has come of it."""
        row = purchase_orders.find(order_id)
        return self.with_etag(request, documents([row])[0], version=row.version)

    @extend_schema(
        summary="Change the lines of a purchase order",
        request=serializers.LinesBody,
        responses={200: serializers.PurchaseOrderDocument},
    )
    def put(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        """Give the order exactly these lines; what came counts against them. An approved order is approved anew."""
        lines = _lines(serializers.LinesBody.read(request.data)["lines"])

        def work() -> tuple[int, Any]:
            return 200, _document(purchase_orders.change(order_id, lines, by=request.auth.actor, at=clock.now()))

        return self.once(request, work)


class PurchaseOrderApproveView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(summary="Approve a purchase order", request=None, responses={200: serializers.PurchaseOrderDocument})
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        """Let a draft be ordered. Again changes nothing."""

        def work() -> tuple[int, Any]:
            return 200, _document(purchase_orders.approve(order_id, by=request.auth.actor, at=clock.now()))

        return self.once(request, work)


class PurchaseOrderOrderView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Say that a purchase order was given to its supplier",
        request=None,
        responses={200: serializers.PurchaseOrderDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        """From now on its goods are on their way. Again changes nothing."""

        def work() -> tuple[int, Any]:
            return 200, _document(purchase_orders.order(order_id, by=request.auth.actor, at=clock.now()))

        return self.once(request, work)


class PurchaseOrderCancelView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Cancel a purchase order of which nothing has come",
        request=serializers.ReasonBody,
        responses={200: serializers.PurchaseOrderDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        """Call it off. Once something came, close it short instead."""
        reason = serializers.ReasonBody.read(request.data)["reason"]

        def work() -> tuple[int, Any]:
            row = purchase_orders.cancel(order_id, reason=reason, by=request.auth.actor, at=clock.now())
            return 200, _document(row)

        return self.once(request, work)


class PurchaseOrderCloseView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Close a purchase order short",
        request=serializers.ReasonBody,
        responses={200: serializers.PurchaseOrderDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        """Give up what has not come; each missing product becomes a discrepancy."""
        reason = serializers.ReasonBody.read(request.data)["reason"]

        def work() -> tuple[int, Any]:
            row = goods_in.close(
                order_id, reason=reason, by=request.auth.actor, at=clock.now(), source=request.auth.channel_code
            )
            return 200, _document(row)

        return self.once(request, work)


class PurchaseOrderReceiptsView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Receive goods on a purchase order",
        request=serializers.DeliveryBody,
        responses={201: serializers.DeliveryDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        """Book in what came, also more than was ordered or something else: that becomes a discrepancy."""
        body = serializers.DeliveryBody.read(request.data)
        occurred_at = reported.occurred_at(body)
        lines = [
            ReceivedLine(ids.new(), product_id, line["quantity"] * pieces, Condition(line["condition"]))
            for line, (product_id, pieces) in zip(body["lines"], reported.products(body["lines"]), strict=True)
        ]

        def work() -> tuple[int, Any]:
            done = goods_in.receive(
                order_id, lines, by=request.auth.actor, at=clock.now(), source=request.auth.channel_code,
                occurred_at=occurred_at,
            )  # fmt: skip
            products = catalog.products_by_id(done.over)
            over = [{"sku": products[product_id].sku, "over": pieces} for product_id, pieces in done.over.items()]
            return 201, {"booked_lines": done.booked_lines, "over": over, "order": _document(done.order)}

        return self.once(request, work)


# --- expected deliveries --------------------------------------------------------------------------------------------


class ExpectedDeliveryView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE, "PUT": Scope.SUPPLY_WRITE}

    @extend_schema(summary="One expected delivery", responses=serializers.PurchaseOrderDocument)
    def get(self, request: ApiRequest, supplier: str, reference: str) -> HttpResponse:
        """Read what is known under a supplier's own reference."""
        row = purchase_orders.find_announced(_supplier(supplier).id, reference)
        return self.with_etag(request, documents([row])[0], version=row.version)

    @extend_schema(
        summary="Announce a delivery, or change it",
        request=serializers.AnnouncementBody,
        responses={200: serializers.PurchaseOrderDocument},
    )
    def put(self, request: ApiRequest, supplier: str, reference: str) -> HttpResponse:
        """Say under your own reference what comes when; said again, days and quantities follow the newest word."""
        body = serializers.AnnouncementBody.read(request.data)
        of, place = _supplier(supplier), locations.ref(body["location"])
        lines = _lines(body["lines"])

        def work() -> tuple[int, Any]:
            row = purchase_orders.announce(
                ids.new(), supplier_id=of.id, reference=reference, location_id=place.id, lines=lines,
                by=request.auth.actor, at=clock.now(), as_of=body.get("as_of"), ordered_at=body.get("ordered_at"),
                note=body["note"],
            )  # fmt: skip
            return 200, _document(row)

        return self.once(request, work)


class ExpectedDeliveryCancelView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Call an expected delivery off",
        request=serializers.CallOffBody,
        responses={200: serializers.PurchaseOrderDocument},
    )
    def post(self, request: ApiRequest, supplier: str, reference: str) -> HttpResponse:
        """Say that it doesn't come. Once something came, close it short instead."""
        body = serializers.CallOffBody.read(request.data)
        of = _supplier(supplier)

        def work() -> tuple[int, Any]:
            row = purchase_orders.call_off(
                of.id, reference, reason=body["reason"], as_of=body.get("as_of"), by=request.auth.actor, at=clock.now()
            )
            return 200, _document(row)

        return self.once(request, work)


class IncomingView(ApiView):
    scopes = {"GET": Scope.AVAILABILITY_READ}

    @extend_schema(
        summary="What is on its way",
        parameters=[serializers.IncomingParameters],
        responses=serializers.IncomingDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the pieces of products that are still to come, by place and day: ordered, announced, or sent between places."""
        asked = serializers.IncomingParameters.of(request)
        products = {product.id: product.sku for product in catalog.known(asked["sku"], at="sku").values()}
        places = [locations.ref(code).id for code in asked["location"]] if asked.get("location") else None
        found = incoming.expected(products, location_ids=places, until=asked.get("until"))
        items = [
            {
                "sku": products[one.product_id], "location": locations.by_id(one.location_id).code,
                "expected_on": one.expected_on, "quantity": one.quantity, "source": one.source, "reference": one.reference,
            }
            for one in found
        ]  # fmt: skip
        return self.reply({"as_of": clock.now(), "items": items})


# --- documents ------------------------------------------------------------------------------------------------------


def documents(rows: Sequence[PurchaseOrder]) -> list[dict[str, Any]]:
    """Return orders as the API shows them."""
    lines = lists.lines_of(rows)
    return [
        {
            "id": row.pk, "number": row.number, "supplier": row.supplier.code, "location": row.location.code,
            "state": row.state, "source": row.source, "reference": row.reference, "currency": row.currency,
            "note": row.note, "reason": row.reason, "version": row.version, "created_at": row.created_at,
            "approved_at": row.approved_at, "ordered_at": row.ordered_at, "closed_at": row.closed_at,
            "allowed_actions": allowed_actions(PurchaseOrderState(row.state)),
            "lines": [
                {
                    "number": line.number, "sku": line.product.sku, "quantity": line.quantity, "received": line.received,
                    "expected_on": line.expected_on, "unit_cost_minor": line.unit_cost_minor,
                }
                for line in lines[row.pk]
            ],
        }
        for row in rows
    ]  # fmt: skip


def _document(row: PurchaseOrder) -> dict[str, Any]:
    return documents([row])[0]


def _lines(lines: Sequence[Mapping[str, Any]]) -> list[OrderLine]:
    return [
        OrderLine(
            product_id=product_id, quantity=line["quantity"] * pieces, expected_on=line.get("expected_on"),
            unit_cost_minor=line.get("unit_cost_minor"),
        )
        for line, (product_id, pieces) in zip(lines, reported.products(lines), strict=True)
    ]  # fmt: skip
