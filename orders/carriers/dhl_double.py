"""A double of DHL's label and tracking API in this process, after the published contract. It also misbehaves, on request.

It stands where the network begins (an adapter of `requests`), so that the true client runs against it. It checks what the
contract says: account, billing number, reference, product, addresses, weight. Like the real one it knows no repeated request:
the same order twice makes two labels.
"""

import base64
import io
import json
import re
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from reportlab.lib.units import mm
from reportlab.pdfgen import canvas
from requests.adapters import BaseAdapter

from orders.carriers.dhl import Account

URL = "https://dhl.double"
ACCOUNT = Account(URL, "double-key", "double", "double", "33333333330102")
HEAVIEST = 31_500
PRODUCTS = {"V01PAK", "V53WPAK"}
RECEIVERS = {"deu", "aut", "che"}  # where returns go is agreed for each country
SLOW, LOST, BUSY, BROKEN, GARBLED = "slow", "lost", "busy", "broken", "garbled"


@dataclass
class Double(BaseAdapter):
    """DHL as far as we use it. `faults` are taken one per request, in their order; `made` are labels that are alive."""

    faults: deque[str] = field(default_factory=deque)
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests_seen: int = 0
    _next: int = 1

    def __post_init__(self) -> None:
        super().__init__()

    def close(self) -> None:
        """Nothing is open."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Answer a request as the real one would, or as it does on a bad day."""
        self.requests_seen += 1
        fault = self.faults.popleft() if self.faults else ""
        if fault == BUSY:
            return _answer(request, 429, {"title": "Too many requests"})
        if fault == BROKEN:
            return _answer(request, 500, {"title": "Internal Server Error"})
        if fault == SLOW:
            raise requests.ConnectTimeout(request=request)
        response = self._served(request)
        if fault == LOST:
            raise requests.ReadTimeout(request=request)  # done, but nobody hears of it
        if fault == GARBLED:
            response._content = b"<html>gateway</html>"
        return response

    def session(self) -> requests.Session:
        """Return a session that reaches this double instead of the network."""
        session = requests.Session()
        session.mount(URL, self)
        return session

    def _served(self, request: requests.PreparedRequest) -> requests.Response:
        address = urlsplit(request.url or "")
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        basic = "Basic " + base64.b64encode(b"double:double").decode()
        if request.headers.get("dhl-api-key") != ACCOUNT.key or request.headers.get("Authorization") != basic:
            return _answer(request, 401, {"title": "Unauthorized", "detail": "Invalid credentials"})
        if address.path == "/parcel/de/shipping/returns/v1/orders":
            return self._create_return(request, query, json.loads(request.body or b"{}"))
        if address.path == "/track/shipments":
            return self._track(request, query.get("trackingNumber", ""))
        if request.method == "DELETE":
            gone = self.made.pop(query.get("shipment", ""), None)
            return _answer(request, 200 if gone else 404, {"title": "OK" if gone else "Shipment not found"})
        return self._create(request, json.loads(request.body or b"{}"))

    def _create(self, request: requests.PreparedRequest, body: dict[str, Any]) -> requests.Response:
        [shipment] = body["shipments"]
        faults = _faults(shipment)
        if faults:
            messages = [{"property": name, "validationMessage": text} for name, text in faults]
            item = {"sstatus": {"title": "Bad Request", "statusCode": 400}, "validationMessages": messages}
            return _answer(request, 400, {"status": {"title": "Bad Request", "statusCode": 400}, "items": [item]})
        number = f"00340434{self._next:012d}"
        self._next += 1
        self.made[number] = {**shipment, "at": datetime.now(UTC)}
        label = base64.b64encode(_label(number, shipment)).decode()
        item = {
            "shipmentNo": number, "shipmentRefNo": shipment["refNo"], "sstatus": {"title": "OK", "statusCode": 200},
            "label": {"b64": label, "fileFormat": "PDF", "printFormat": "910-300-700"},
        }  # fmt: skip
        return _answer(request, 200, {"status": {"title": "OK", "statusCode": 200}, "items": [item]})

    def _create_return(
        self, request: requests.PreparedRequest, query: dict[str, str], body: dict[str, Any]
    ) -> requests.Response:
        shipper, weight = body.get("shipper", {}), body.get("itemWeight", {})
        faults = [f"shipper.{name}" for name in ("name1", "addressStreet", "city", "country") if not shipper.get(name)]
        if shipper.get("country") == "DEU" and not re.fullmatch(r"\d{5}", shipper.get("postalCode", "")):
            faults.append("shipper.postalCode")
        if body.get("receiverId") not in RECEIVERS:
            faults.append("receiverId")
        if query.get("labelType") not in ("SHIPMENT_LABEL", "QR_LABEL", "BOTH"):
            faults.append("labelType")
        if weight.get("uom") != "g" or not 10 <= weight.get("value", 0) <= HEAVIEST:
            faults.append("itemWeight")
        if faults:
            return _answer(request, 400, {"title": "Bad Request", "detail": f"Not valid: {', '.join(faults)}."})
        number = f"99900000{self._next:012d}"
        self._next += 1
        printed = {
            "product": "Retoure", "refNo": body.get("customerReference", ""),
            "consignee": {"name1": "Retoure", "addressStreet": "", "postalCode": "", "city": shipper["city"], "country": ""},
        }  # fmt: skip
        self.made[number] = {**printed, "at": datetime.now(UTC)}
        label = base64.b64encode(_label(number, printed)).decode()
        sent = {"sstatus": {"title": "Created", "statusCode": 201}, "shipmentNo": number, "label": {"b64": label}}
        return _answer(request, 201, sent)

    def _track(self, request: requests.PreparedRequest, number: str) -> requests.Response:
        shipment = self.made.get(number)
        if shipment is None:
            return _answer(request, 404, {"title": "No result found"})
        steps = [
            ("pre-transit", "Sendung elektronisch angekündigt", 0), ("transit", "Im Paketzentrum bearbeitet", 8),
            ("transit", "In das Zustellfahrzeug geladen", 20), ("delivered", "Zugestellt", 24),
        ]  # fmt: skip
        events = [
            {
                "timestamp": (shipment["at"] + timedelta(hours=hours)).isoformat(), "statusCode": code, "description": text,
                "location": {"address": {"addressLocality": shipment["consignee"]["city"]}},
            }
            for code, text, hours in steps
            if shipment["at"] + timedelta(hours=hours) <= datetime.now(UTC)
        ]  # fmt: skip
        found = {"id": number, "status": events[-1], "events": events[::-1]}
        if shipment.get("expected"):  # said by the carrier once it knows, and again when that changes
            found["estimatedTimeOfDelivery"] = shipment["expected"]
        return _answer(request, 200, {"shipments": [found]})


def _faults(shipment: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    if shipment.get("billingNumber") != ACCOUNT.billing_number:
        found.append(("billingNumber", "The billing number is not known."))
    if not 8 <= len(shipment.get("refNo", "")) <= 50:
        found.append(("refNo", "The reference must have 8 to 50 characters."))
    if shipment.get("product") not in PRODUCTS:
        found.append(("product", "The product is not known."))
    for side in ("shipper", "consignee"):
        address = shipment.get(side, {})
        found += [
            (f"{side}.{name}", f"{name} is required.")
            for name in ("name1", "addressStreet", "city", "country")
            if not address.get(name)
        ]
        if address.get("country") == "DEU" and not re.fullmatch(r"\d{5}", address.get("postalCode", "")):
            found.append((f"{side}.postalCode", "The postal code must have 5 digits."))
    weight = shipment.get("details", {}).get("weight", {})
    if weight.get("uom") != "g" or not 10 <= weight.get("value", 0) <= HEAVIEST:
        found.append(("details.weight", f"The weight must be between 10 and {HEAVIEST} g."))
    return found


def _label(number: str, shipment: dict[str, Any]) -> bytes:
    from reportlab.graphics.barcode import code128

    paper = canvas.Canvas(io.BytesIO(), pagesize=(105 * mm, 208 * mm), invariant=True)
    paper.setFont("Helvetica-Bold", 20)
    paper.drawString(8 * mm, 192 * mm, "DHL (Double) " + shipment["product"])
    paper.setFont("Helvetica", 11)
    for row, name in enumerate(("name1", "addressStreet", "postalCode", "city", "country")):
        paper.drawString(8 * mm, (178 - 6 * row) * mm, str(shipment["consignee"].get(name, "")))
    paper.drawString(8 * mm, 140 * mm, f"Ref. {shipment['refNo']}")
    code128.Code128(number, barHeight=30 * mm, barWidth=0.36 * mm).drawOn(paper, 4 * mm, 90 * mm)
    paper.drawString(8 * mm, 84 * mm, number)
    return bytes(paper.getpdfdata())


def _answer(request: requests.PreparedRequest, status: int, body: dict[str, Any]) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = status, request, request.url or ""
    response.headers["Content-Type"] = "application/json"
    response._content = json.dumps(body).encode()
    return response
