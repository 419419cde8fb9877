"""The ways out: e-mail by SMTP, SMS by a provider's HTTP API, web push. Each says what came of it, never raises for the network.

Errors keep what kind of thing went wrong, never an address or a text: the log must hold no personal values.
"""

import smtplib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from py_vapid import Vapid02

from commerce.channels import addresses
from orders.notifications.letters import Letter

SECONDS = 10.0  # for a whole exchange; who is slower is tried again
PUSH_TTL_SECONDS = 15 * 60  # an alert about somebody who waits outside is of no use later
GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a letter: a receipt, or an error that will stand (`is_final`) or may pass after a pause."""

    receipt: str = ""
    error: str = ""
    is_final: bool = False
    retry_after: timedelta | None = None

    @property
    def is_sent(self) -> bool:
        return not self.error


class Gateway(Protocol):
    """A way out. `send` makes one attempt, outside of any transaction."""

    def send(self, letter: Letter) -> Outcome: ...
    def close(self) -> None: ...


class EmailGateway:
    """E-mail through Django's backend; one connection for a batch."""

    def __init__(self) -> None:
        self._connection: BaseEmailBackend | None = None

    def send(self, letter: Letter) -> Outcome:
        """Hand an e-mail to the server. A refused recipient stands, everything else may pass."""
        host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
        message_id = f"<{letter.reference}@{host}>"
        mail = EmailMultiAlternatives(
            subject=letter.subject,
            body=letter.body,
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[letter.to],
            headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated", "Content-Language": letter.language},
        )
        mail.attach_alternative(letter.html, "text/html")
        try:
            if self._connection is None:
                self._connection = get_connection(timeout=SECONDS)
                self._connection.open()
            mail.connection = self._connection
            mail.send()
        except smtplib.SMTPRecipientsRefused as refused:
            codes = sorted({int(code) for code, _text in refused.recipients.values()})
            self._give_up()
            return Outcome(error=f"recipient refused {codes}", is_final=all(code >= 500 for code in codes))
        except smtplib.SMTPResponseException as refused:
            self._give_up()
            # 5xx of a sender or a login is ours to mend, so that waiting helps; of the message itself it stands.
            is_final = isinstance(refused, smtplib.SMTPDataError) and 500 <= refused.smtp_code < 600
            return Outcome(error=f"{type(refused).__name__} {refused.smtp_code}", is_final=is_final)
        except (OSError, smtplib.SMTPException) as failure:
            self._give_up()
            return Outcome(error=type(failure).__name__)
        except ValueError as wrong:  # an address or a header that no mail can have
            return Outcome(error=f"unusable address or header ({type(wrong).__name__})", is_final=True)
        return Outcome(receipt=message_id)

    def close(self) -> None:
        """End the connection."""
        self._give_up()

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except (OSError, smtplib.SMTPException):  # it is gone already
                return


class SmsGateway:
    """SMS through the messages API as Twilio publishes it: a form per message, an account and its token as basic auth."""

    def __init__(self, url: str | None = None, sender: str | None = None) -> None:
        parts = urlsplit(settings.SMS_URL if url is None else url)
        self._sender = settings.SMS_FROM if sender is None else sender
        account = unquote(parts.username or "")
        port = f":{parts.port}" if parts.port else ""
        self._url = f"{parts.scheme}://{parts.hostname}{port}/2010-04-01/Accounts/{account}/Messages.json"
        self._auth = (account, unquote(parts.password or ""))
        self._session = requests.Session()
        self._session.trust_env = False

    def send(self, letter: Letter) -> Outcome:
        """Give a message to the provider. What it says is wrong with the number or text stands; the rest may pass."""
        try:
            answer = self._session.post(
                self._url,
                data={"To": letter.to, "From": self._sender, "Body": letter.body},
                auth=self._auth,
                timeout=SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as failure:
            return Outcome(error=type(failure).__name__)
        document = _document(answer)
        if answer.status_code == 201 and document.get("sid"):
            return Outcome(receipt=str(document["sid"]))
        error = f"SMS {answer.status_code} code {document.get('code', '?')}"
        # 401 and 403 are ours to mend; 429 asks for a pause; other 4xx are about this very message.
        is_final = 400 <= answer.status_code < 500 and answer.status_code not in (401, 403, 408, 429)
        return Outcome(error=error, is_final=is_final, retry_after=_retry_after(answer))

    def close(self) -> None:
        """End the connections."""
        self._session.close()


class FileGateway:
    """SMS of an installation without a provider: files in the data folder, to be read by who tries Kontor out."""

    def send(self, letter: Letter) -> Outcome:
        """Write a message down."""
        folder = settings.DATA_DIR / "sms"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{letter.reference}.txt").write_text(f"To: {letter.to}\n\n{letter.body}\n")
        return Outcome(receipt=f"file:{letter.reference}")

    def close(self) -> None:
        """There is nothing to close."""


def sms() -> "SmsGateway | FileGateway":
    """Return the way out for SMS that this installation has."""
    return SmsGateway() if settings.SMS_URL else FileGateway()


def push_key() -> str:
    """Return the public key that browsers subscribe with, as base64url; nothing where web push is off."""
    if not settings.VAPID_PRIVATE_KEY:
        return ""
    public = Vapid02.from_string(settings.VAPID_PRIVATE_KEY).public_key
    raw = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(raw).decode().rstrip("=")


class PushGateway:
    """Web push, encrypted for the device and signed with our VAPID key (RFC 8291, RFC 8292)."""

    def __init__(self) -> None:
        self._session = addresses.session()  # a browser named the address, so only public ones are called
        self._key = Vapid02.from_string(settings.VAPID_PRIVATE_KEY)

    def push(self, endpoint: str, p256dh: str, auth: str, payload: str) -> Outcome:
        """Give an alert to the device's push service. A device that it does not know any more is gone for good."""
        from pywebpush import WebPushException, webpush  # here, so that web workers stay light

        try:
            answer = webpush(
                {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}},
                data=payload,
                vapid_private_key=self._key,
                vapid_claims={"sub": settings.VAPID_SUBJECT},
                ttl=PUSH_TTL_SECONDS,
                timeout=SECONDS,
                headers={"urgency": "high"},
                requests_session=self._session,
            )
        except WebPushException as refused:
            status = refused.response.status_code if refused.response is not None else 0
            return Outcome(
                error=f"push {status or 'not encrypted'}",
                is_final=status in (0, *GONE) or (400 <= status < 500 and status not in (408, 429)),
                retry_after=_retry_after(refused.response) if refused.response is not None else None,
            )
        except (requests.RequestException, OSError) as failure:
            return Outcome(error=type(failure).__name__)
        except ValueError as wrong:  # keys that are none
            return Outcome(error=f"unusable keys ({type(wrong).__name__})", is_final=True)
        return Outcome(receipt=str(getattr(answer, "headers", {}).get("Location", ""))[:120] or "pushed")

    def close(self) -> None:
        """End the connections."""
        self._session.close()


def _document(answer: requests.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(answer: requests.Response) -> timedelta | None:
    given = answer.headers.get("Retry-After", "")
    return timedelta(seconds=int(given)) if given.isascii() and given.isdigit() else None
