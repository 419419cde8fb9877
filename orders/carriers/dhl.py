"""DHL Parcel DE: labels through the Shipping API v2, of returns through the Returns API v1, and points on the way through
Shipment Tracking (Unified).

Source: developer.dhl.com/api-reference/parcel-de-shipping-post-parcel-germany-v2, /dhl-parcel-de-returns-post-parcel-germany
and /shipment-tracking. The contract knows no
key for repeated requests and no search by our reference, so an answer that got lost is unclear, not failed.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import requests

from orders.carriers.port import (
    Address,
    CarrierBusy,
    CarrierRefused,
    CarrierUnclear,
    LabelRequest,
    MadeLabel,
    Scan,
    Stage,
)

TIMEOUT = (3.05, 15)  # seconds to connect, and to wait for an answer
PROFILE = "STANDARD_GRUPPENPROFIL"
DOMESTIC, INTERNATIONAL = "V01PAK", "V53WPAK"
SHORTEST_REFERENCE, LONGEST_REFERENCE = 8, 35
LONGEST_NAME = 50
MOST_LABEL_BYTES = 1_000_000
COUNTRIES = {
    "AT": "AUT", "BE": "BEL", "CH": "CHE", "CZ": "CZE", "DE": "DEU", "DK": "DNK", "ES": "ESP", "FR": "FRA", "IT": "ITA",
    "LI": "LIE", "LU": "LUX", "NL": "NLD", "PL": "POL",
}  # fmt: skip
STAGES = {
    "pre-transit": Stage.ANNOUNCED, "transit": Stage.UNDER_WAY, "delivered": Stage.DELIVERED, "failure": Stage.PROBLEM,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """How we are known there."""

    url: str
    key: str
    user: str
    password: str
    billing_number: str


class Dhl:
    """Labels and tracking of DHL Parcel Germany for one account."""

    code = "dhl"
    name = "DHL"

    def __init__(self, account: Account, session: requests.Session) -> None:
        self._account = account
        self._session = session

    def create(self, wanted: LabelRequest) -> MadeLabel:
        """Make a label. Raises: CarrierRefused, CarrierBusy, CarrierUnclear."""
        answer = self._ask(
            "POST", "/parcel/de/shipping/v2/orders", json={"profile": PROFILE, "shipments": [self._shipment(wanted)]},
            params={"includeDocs": "include", "docFormat": "PDF", "printFormat": "910-300-700", "mustEncode": "true"},
        )  # fmt: skip
        try:
            [item] = answer.json()["items"]
            number = item.get("shipmentNo", "")
            document = base64.b64decode(item["label"]["b64"]) if number else b""
        except (ValueError, KeyError, TypeError) as error:
            raise CarrierUnclear("The answer can’t be read.") from error
        if not number:
            raise CarrierRefused(_said(item))
        if not document.startswith(b"%PDF") or len(document) > MOST_LABEL_BYTES:
            raise CarrierUnclear("The label is no document that could be printed.")
        return MadeLabel(number, document)

    def create_return(self, wanted: LabelRequest) -> MadeLabel:
        """Make a return label by Parcel DE Returns v1. Where it goes is agreed there for each country: its `receiverId`.

        Raises: as `create`.
        """
        sender = _address(wanted.shipper)
        answer = self._ask(
            "POST", "/parcel/de/shipping/returns/v1/orders", params={"labelType": "SHIPMENT_LABEL"},
            json={
                "receiverId": sender["country"].lower(), "customerReference": wanted.reference[:30],
                "shipmentReference": wanted.reference[:30], "shipper": sender,
                "itemWeight": {"uom": "g", "value": wanted.weight_grams},
            },
        )  # fmt: skip
        try:
            body = answer.json()
            number, document = body["shipmentNo"], base64.b64decode(body["label"]["b64"])
        except (ValueError, KeyError, TypeError) as error:
            raise CarrierUnclear("The answer can’t be read.") from error
        if not number or not document.startswith(b"%PDF") or len(document) > MOST_LABEL_BYTES:
            raise CarrierUnclear("The label is no document that could be printed.")
        return MadeLabel(number, document)

    def cancel(self, tracking_number: str) -> None:
        """Cancel a label; one that is not known (any more) counts as cancelled. Raises: as `create`."""
        params = {"profile": PROFILE, "shipment": tracking_number}
        self._ask("DELETE", "/parcel/de/shipping/v2/orders", params=params, missing_is_fine=True)

    def track(self, tracking_number: str) -> Sequence[Scan]:
        """Return the points on a parcel's way, the oldest first. Raises: as `create`."""
        answer = self._ask("GET", "/track/shipments", params={"trackingNumber": tracking_number}, missing_is_fine=True)
        if answer.status_code == 404:
            return []
        try:
            shipments = answer.json()["shipments"]
            scans = [_scan(event) for shipment in shipments[:1] for event in shipment.get("events", [])]
            said = [one["estimatedTimeOfDelivery"] for one in shipments[:1] if one.get("estimatedTimeOfDelivery")]
            expected = _instant(said[0]) if said else None
        except (ValueError, KeyError, TypeError) as error:
            raise CarrierUnclear("The answer can’t be read.") from error
        scans.sort(key=lambda scan: scan.occurred_at)
        return [*scans[:-1], replace(scans[-1], expected_by=expected)] if scans else []

    def _ask(self, method: str, path: str, *, missing_is_fine: bool = False, **options: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method, self._account.url + path, timeout=TIMEOUT, auth=(self._account.user, self._account.password),
                headers={"dhl-api-key": self._account.key, "Accept": "application/json"}, **options,
            )  # fmt: skip
        except requests.ConnectTimeout as error:
            raise CarrierBusy("DHL can’t be reached.") from error
        except requests.RequestException as error:
            raise CarrierUnclear("DHL did not answer.") from error
        if answer.status_code == 429:
            raise CarrierBusy("DHL takes no more requests for the moment.")
        if answer.status_code >= 500:
            raise CarrierUnclear(f"DHL has trouble ({answer.status_code}).")
        if answer.status_code == 404 and missing_is_fine:
            return answer
        if answer.status_code >= 400:
            raise CarrierRefused(_said_by(answer))
        return answer

    def _shipment(self, wanted: LabelRequest) -> dict[str, Any]:
        is_domestic = wanted.shipper.country == wanted.consignee.country == "DE"
        shipment: dict[str, Any] = {
            "product": DOMESTIC if is_domestic else INTERNATIONAL,
            "billingNumber": self._account.billing_number,
            "refNo": wanted.reference[:LONGEST_REFERENCE].ljust(SHORTEST_REFERENCE, "-"),
            "shipper": _address(wanted.shipper),
            "consignee": _address(wanted.consignee),
            "details": {"weight": {"uom": "g", "value": wanted.weight_grams}},
        }
        if wanted.minimum_age:
            shipment["services"] = {"visualCheckOfAge": "A18" if wanted.minimum_age > 16 else "A16"}
        return shipment


def _address(given: Address) -> dict[str, str]:
    country = COUNTRIES.get(given.country)
    if country is None:
        raise CarrierRefused(f"No parcels to {given.country} are agreed on with DHL.")
    found = {
        "name1": given.name[:LONGEST_NAME], "addressStreet": given.street[:LONGEST_NAME], "postalCode": given.postal_code,
        "city": given.city[:40], "country": country,
    }  # fmt: skip
    return {**found, "email": given.email} if given.email else found


def _scan(event: dict[str, Any]) -> Scan:
    at = _instant(event["timestamp"])
    place = event.get("location", {}).get("address", {}).get("addressLocality", "")
    text = event.get("description") or event.get("status") or ""
    return Scan(
        STAGES.get(event.get("statusCode", ""), Stage.UNKNOWN), text[:200], place[:80],
        at,
    )  # fmt: skip


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _said_by(answer: requests.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return f"DHL says no ({answer.status_code})."
    items = body.get("items") or []
    return _said(items[0]) if items else str(body.get("detail") or body.get("title") or answer.status_code)[:200]


def _said(item: dict[str, Any]) -> str:
    """Return what is wrong, in the carrier's words."""
    messages = [one.get("validationMessage", "") for one in item.get("validationMessages", [])]
    detail = item.get("sstatus", {}).get("detail") or item.get("sstatus", {}).get("title") or "DHL says no."
    return ("; ".join(one for one in messages if one) or detail)[:200]
