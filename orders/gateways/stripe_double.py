"""A double of Stripe's API for tests and demonstrations: built from the published contract, and as unpleasant as the network.

It speaks HTTP like the original: form bodies, idempotency keys that replay the first answer (also a fault), signed events.
`misbehave` queues what goes wrong with the next calls: `429` (nothing done), `500` (nothing done, stored), `500_done` (done, and
yet a fault), `lost` (done, no answer), `cut` (nothing done, no answer), `slow`. Events wait in `events`, to be delivered by
`deliver` in any order and number.
Source: docs.stripe.com/api (payment intents, refunds, disputes, idempotent requests, errors, webhooks/signature).
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Form = dict[str, Any]
HOLD_SECONDS = 7 * 24 * 3600
SLOW_SECONDS = 0.3
DECLINES = {
    "pm_card_visa_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
}
RISKS = {"pm_card_riskLevelElevated": "elevated", "pm_card_riskLevelHighest": "highest"}
NEEDS_ACTION = "pm_card_authenticationRequired"


class StripeError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, kind: str, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.document = {"error": {"type": kind, "code": code, "message": message, **more}}


class StripeDouble:
    """The provider's books and its moods. `with StripeDouble() as stripe:` serves at `stripe.url`."""

    def __init__(self, webhook_secret: str = "whsec_double", port: int = 0, has_multicapture: bool = True) -> None:  # noqa: S107
        self.webhook_secret = webhook_secret
        self.has_multicapture = has_multicapture
        self.intents: dict[str, Form] = {}
        self.refunds: dict[str, Form] = {}
        self.disputes: dict[str, Form] = {}
        self.events: list[Form] = []
        self.calls: list[str] = []
        self._faults: deque[str] = deque()
        self._answers: dict[str, tuple[str, int, bytes]] = {}
        self._running: set[str] = set()
        self._lock = threading.RLock()
        self._now: Callable[[], float] = time.time
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "StripeDouble":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def misbehave(self, *faults: str) -> None:
        """Queue faults, one for each call to come; an empty text is a good answer."""
        self._faults.extend(faults)

    def behave(self) -> None:
        """Forget what was queued."""
        self._faults.clear()

    def forget(self, now: Callable[[], float] = time.time) -> None:
        """Be as if just set up, with empty books; `now` is the provider's clock, in seconds."""
        with self._lock:
            for book in (
                self.intents,
                self.refunds,
                self.disputes,
                self.events,
                self.calls,
                self._faults,
                self._answers,
            ):
                book.clear()
            self._now = now

    def refunded(self, intent_id: str) -> int:
        """Return how much money of an intent went back to the customer."""
        return sum(
            one["amount"]
            for one in self.refunds.values()
            if one["payment_intent"] == intent_id and one["balance_transaction"]
        )

    def end_holds(self) -> None:
        """Let every hold end whose time is over."""
        with self._lock:
            for intent in self.intents.values():
                charge = intent["latest_charge"]
                until = charge["payment_method_details"]["card"]["capture_before"] if charge else 0
                if intent["status"] == "requires_capture" and until <= self._now():
                    self._cancel(intent, "automatic")

    # --- what customers, banks and the dashboard do -------------------------------------------------------------------

    def confirm(self, intent_id: str, method: str = "pm_card_visa") -> None:
        """Let the customer confirm in the browser."""
        with self._lock:
            self._confirm(self.intents[intent_id], method)

    def refund_in_dashboard(self, intent_id: str, amount: int) -> None:
        """Let somebody refund at the provider, past us."""
        with self._lock:
            self._refund({"payment_intent": intent_id, "amount": str(amount)})

    def dispute(self, intent_id: str, *, status: str = "needs_response") -> None:
        """Let the customer's bank take the money back."""
        with self._lock:
            intent = self.intents[intent_id]
            made: Form = {"id": _id("dp"), "object": "dispute", "amount": intent["amount_received"], "status": status}
            made["payment_intent"] = intent_id
            self.disputes[made["id"]] = made
            self._tell("charge.dispute.created", made)

    def run_out(self, intent_id: str) -> None:
        """Let a hold end by itself."""
        with self._lock:
            self._cancel(self.intents[intent_id], "automatic")

    def signed(self, event: Form) -> tuple[bytes, dict[str, str]]:
        """Return an event as it is sent: its bytes and headers."""
        body = json.dumps(event).encode()
        at = int(time.time())
        signature = hmac.new(self.webhook_secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return body, {"Stripe-Signature": f"t={at},v1={signature}"}

    def told(self, events: Iterable[Form] | None = None) -> list[tuple[bytes, dict[str, str]]]:
        """Return events ready to be delivered: all so far, or those given."""
        return [self.signed(event) for event in (self.events if events is None else events)]

    # --- the API ------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, form: Form, key: str) -> tuple[int, bytes, str]:
        """Return status, body and what goes wrong on the way back."""
        with self._lock:
            self.calls.append(f"{method} {path}")
            fault = self._faults.popleft() if self._faults else ""
            if fault in ("429", "cut"):
                return 429, _error(429, "rate_limit_error", "rate_limit", "Too many requests"), fault
            asked = hashlib.sha256(f"{method} {path} {sorted(form.items())}".encode()).hexdigest()
            if key and key in self._answers:
                first, status, body = self._answers[key]
                if first != asked:
                    text = "Keys for idempotent requests can only be used with the same parameters."
                    return 400, _error(400, "idempotency_error", "idempotency_key_in_use", text), fault
                return status, body, fault
            if fault == "500":
                status, body = 500, _error(500, "api_error", "internal", "Something went wrong on our end")
            else:
                try:
                    status, body = 200, json.dumps(self._route(method, path, form)).encode()
                except StripeError as error:
                    status, body = error.status, json.dumps(error.document).encode()
                if fault == "500_done":
                    status, body = 500, _error(500, "api_error", "internal", "Something went wrong on our end")
            if key and method == "POST":
                self._answers[key] = (asked, status, body)
            return status, body, fault

    def _route(self, method: str, path: str, form: Form) -> Form:
        parts = path.strip("/").split("/")
        if parts[:2] == ["v1", "payment_intents"]:
            if method == "POST" and len(parts) == 2:
                return self._create(form)
            if parts[2:] == ["search"]:
                return _list(
                    one
                    for one in self.intents.values()
                    if f":'{one['metadata'].get('kontor_payment')}'" in form["query"]
                )
            intent = self.intents.get(parts[2]) if len(parts) > 2 else None
            if intent is None:
                raise StripeError(404, "invalid_request_error", "resource_missing", "No such payment_intent")
            if method == "POST" and parts[3:] == ["capture"]:
                self._capture(intent, form)
            elif method == "POST" and parts[3:] == ["cancel"]:
                self._require(
                    intent, "requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"
                )
                self._cancel(intent, form.get("cancellation_reason"))
            elif method == "POST" and parts[3:] == ["confirm"]:
                self._confirm(intent, form.get("payment_method", "pm_card_visa"))
            return dict(intent)
        if parts == ["v1", "refunds"]:
            if method == "POST":
                return self._refund(form)
            return _list(one for one in self.refunds.values() if one["payment_intent"] == form.get("payment_intent"))
        if parts == ["v1", "disputes"]:
            return _list(one for one in self.disputes.values() if one["payment_intent"] == form.get("payment_intent"))
        raise StripeError(404, "invalid_request_error", "url_invalid", f"Unrecognized request URL ({method}: {path})")

    def _create(self, form: Form) -> Form:
        intent: Form = {
            "id": _id("pi"), "object": "payment_intent", "amount": int(form["amount"]), "amount_capturable": 0,
            "amount_received": 0, "currency": form["currency"], "capture_method": form.get("capture_method", "automatic"),
            "status": "requires_payment_method", "metadata": _nested(form, "metadata"), "latest_charge": None,
            "payment_method_types": _listed(form, "payment_method_types"), "cancellation_reason": None,
            "last_payment_error": None, "next_action": None, "created": int(self._now()),
        }  # fmt: skip
        intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(8)}"
        self.intents[intent["id"]] = intent
        if form.get("confirm") == "true":
            self._confirm(intent, form.get("payment_method", ""))
        return dict(intent)

    def _confirm(self, intent: Form, method: str) -> None:
        self._require(intent, "requires_payment_method", "requires_confirmation", "requires_action")
        if method in DECLINES:
            error = {
                "type": "card_error",
                "code": "card_declined",
                "decline_code": DECLINES[method],
                "message": "Declined",
            }
            intent |= {"status": "requires_payment_method", "last_payment_error": error}
            self._tell("payment_intent.payment_failed", intent)
            raise StripeError(402, "card_error", "card_declined", "Your card was declined.", decline_code=DECLINES[method],
                              payment_intent=dict(intent))  # fmt: skip
        if method == NEEDS_ACTION and intent["status"] != "requires_action":
            intent["status"] = "requires_action"
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {"url": f"{self.url}/3ds/{intent['id']}"},
            }
            return
        until = int(self._now()) + HOLD_SECONDS
        charge = {
            "id": _id("ch"), "object": "charge", "amount": intent["amount"], "amount_captured": 0, "amount_refunded": 0,
            "captured": False, "payment_intent": intent["id"],
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242", "capture_before": until}},
            "outcome": {"risk_level": RISKS.get(method, "normal"), "network_status": "approved_by_network"},
        }  # fmt: skip
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"], "latest_charge": charge}
        intent |= {"next_action": None, "last_payment_error": None}
        self._tell("payment_intent.amount_capturable_updated", intent)

    def _capture(self, intent: Form, form: Form) -> None:
        self._require(intent, "requires_capture")
        amount = int(form.get("amount_to_capture") or intent["amount_capturable"])
        is_final = form.get("final_capture", "true") == "true"
        if not is_final and not self.has_multicapture:
            raise _bad("parameter_invalid", "Multicapture is not available.")
        if amount < 1 or amount > intent["amount_capturable"]:
            raise _bad("amount_too_large", "Amount could not be captured.")
        intent["amount_received"] += amount
        intent["amount_capturable"] -= amount
        charge = intent["latest_charge"]
        charge |= {"captured": True, "amount_captured": intent["amount_received"]}
        if is_final or intent["amount_capturable"] == 0:
            self._let_go(intent)
            intent["status"] = "succeeded"
            self._tell("payment_intent.succeeded", intent)
        else:
            self._tell("payment_intent.amount_capturable_updated", intent)

    def _cancel(self, intent: Form, reason: str | None) -> None:
        if intent["status"] == "requires_capture":
            self._let_go(intent)
        intent |= {"status": "canceled", "cancellation_reason": reason}
        self._tell("payment_intent.canceled", intent)

    def _let_go(self, intent: Form) -> None:
        """End a hold. The original lists what it lets go of as a refund, one that no balance knows."""
        rest = intent["amount_capturable"]
        if rest:
            made: Form = {"id": _id("re"), "object": "refund", "amount": rest, "status": "succeeded", "metadata": {}}
            made |= {"payment_intent": intent["id"], "balance_transaction": None}
            self.refunds[made["id"]] = made
            intent["latest_charge"]["amount_refunded"] += rest
            intent["amount_capturable"] = 0

    def _refund(self, form: Form) -> Form:
        intent = self.intents.get(form.get("payment_intent", ""))
        if intent is None:
            raise StripeError(404, "invalid_request_error", "resource_missing", "No such payment_intent")
        moved = sum(
            one["amount"] for one in self.refunds.values()
            if one["payment_intent"] == intent["id"] and one["balance_transaction"]
        )  # fmt: skip
        amount = int(form.get("amount") or intent["amount_received"] - moved)
        if amount < 1 or moved + amount > intent["amount_received"]:
            raise _bad("charge_already_refunded", "Refund is greater than what is left.")
        made: Form = {"id": _id("re"), "object": "refund", "amount": amount, "status": "succeeded"}
        made |= {
            "payment_intent": intent["id"],
            "balance_transaction": _id("txn"),
            "metadata": _nested(form, "metadata"),
        }
        self.refunds[made["id"]] = made
        intent["latest_charge"]["amount_refunded"] += amount
        self._tell("charge.refunded", intent["latest_charge"])
        self._tell("refund.created", made)
        return dict(made)

    @staticmethod
    def _require(intent: Form, *states: str) -> None:
        if intent["status"] not in states:
            text = f"This PaymentIntent has a status of {intent['status']}."
            raise _bad("payment_intent_unexpected_state", text)

    def _tell(self, kind: str, thing: Form) -> None:
        event = {
            "id": _id("evt"),
            "object": "event",
            "type": kind,
            "created": int(self._now()),
            "api_version": "2026-10-28.endive",
        }
        self.events.append(json.loads(json.dumps({**event, "data": {"object": thing}})))


def _handler(double: StripeDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve("GET", dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self._serve("POST", dict(parse_qsl(body, keep_blank_values=True)))

        def _serve(self, method: str, form: Form) -> None:
            key = self.headers.get("Idempotency-Key", "")
            status, body, fault = double.answer(method, urlsplit(self.path).path, form, key)
            if fault in ("lost", "cut"):
                self.close_connection = True
                self.connection.close()
                return
            if fault == "slow":
                threading.Event().wait(SLOW_SECONDS)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler


def _bad(code: str, message: str) -> StripeError:
    return StripeError(400, "invalid_request_error", code, message)


def _id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def _error(status: int, kind: str, code: str, message: str) -> bytes:
    return json.dumps(StripeError(status, kind, code, message).document).encode()


def _nested(form: Form, name: str) -> dict[str, str]:
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(f"{name}[")}


def _listed(form: Form, name: str) -> list[str]:
    return [value for key, value in form.items() if key.startswith(f"{name}[")]


def _list(rows: Iterable[Form]) -> Form:
    return {"object": "list", "data": [dict(row) for row in rows], "has_more": False, "url": "/v1"}
