"""Who calls: a channel's key. What it may do: its scopes.

Keys are remembered in the process for up to 15 seconds, so most requests are authenticated without a query, and a
revocation is known to every process that much later at most.
"""

import hashlib
import hmac
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission

from commerce import clock
from commerce.actors import Actor, ActorKind
from commerce.channels import keys
from commerce.errors import MissingScope, NotSignedIn
from commerce.models import ChannelKey
from commerce.roles import Scope

REMEMBERED_SECONDS = 15.0
UNKNOWN_REMEMBERED_SECONDS = 3.0
MOST_REMEMBERED = 10_000
MOST_UNKNOWN_REMEMBERED = 1_000  # guesses cost a query each past this, never memory
LONGEST_KEY = 120

CHALLENGE = 'Bearer realm="Kontor API"'


@dataclass(frozen=True, slots=True)
class Credential:
    """A key that was presented and is good, with what its channel stands for. Never holds the secret."""

    key_id: UUID
    key_name: str
    channel_id: int
    channel_code: str
    channel_name: str
    country: str
    currency: str
    language: str
    scopes: frozenset[str]
    requests_per_minute: int
    expires_at: datetime | None
    person_id: int | None = None  # a key of a person acts for them
    person_name: str = ""

    @property
    def person(self) -> Actor | None:
        """The person that the key acts for, as the one who does it."""
        return Actor(ActorKind.STAFF, str(self.person_id), self.person_name) if self.person_id is not None else None

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.CHANNEL, self.channel_code, f"{self.channel_name} ({self.key_name})")


@dataclass(frozen=True, slots=True)
class _Remembered:
    credential: Credential | None
    read_at: datetime


_known: dict[bytes, _Remembered] = {}
_unknown: dict[bytes, _Remembered] = {}
_lock = threading.Lock()


def authenticate(header: str | None) -> Credential:
    """Return the credential of an `Authorization` header. Raises: NotSignedIn."""
    if not header:
        raise NotSignedIn("Send your key: Authorization: Bearer ko_…")
    scheme, _, presented = header.partition(" ")
    presented = presented.strip()
    if scheme.lower() != "bearer" or not presented:
        raise NotSignedIn("The key is sent as a bearer token: Authorization: Bearer ko_…")
    if len(presented) > LONGEST_KEY:
        raise NotSignedIn("This is not a key of ours.")
    fingerprint = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
    now = clock.now()
    found = _recall(fingerprint, now) or _learn(fingerprint, presented, now)
    credential = found.credential
    if credential is None or (credential.expires_at is not None and credential.expires_at <= now):
        raise NotSignedIn("The key is unknown, revoked or expired.")
    return credential


def forget() -> None:
    """Drop every key that this process remembers."""
    with _lock:
        _known.clear()
        _unknown.clear()


def check_scope(credential: Credential, scope: Scope | None) -> None:
    """Refuse a credential that lacks the scope. Raises: MissingScope."""
    if scope is not None and scope not in credential.scopes:
        raise MissingScope(
            f"This key lacks the scope {scope.value}; issue one that has it.",
            scope=scope.value,
            scopes=sorted(credential.scopes),
        )


class ChannelKeyAuthentication(BaseAuthentication):
    """DRF's door to the same authentication, for views that are not an `ApiView`."""

    def authenticate(self, request: Any) -> tuple[None, Credential]:
        return None, authenticate(request.META.get("HTTP_AUTHORIZATION"))

    def authenticate_header(self, request: Any) -> str:
        return CHALLENGE


class HasScope(BasePermission):
    """Let a request through when its key has the scope that the view names for the method."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not isinstance(request.auth, Credential):
            return False
        check_scope(
            request.auth, getattr(view, "scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        )
        return True


class ChannelKeyScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document names our keys."""

    target_class = "commerce.api.authentication.ChannelKeyAuthentication"
    name = "ChannelKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ko_<prefix>_<secret>",
            "description": "A channel's key. It opens what its scopes name; each operation says which one it needs.",
        }


def _recall(fingerprint: bytes, now: datetime) -> _Remembered | None:
    for memory, seconds in ((_known, REMEMBERED_SECONDS), (_unknown, UNKNOWN_REMEMBERED_SECONDS)):
        found = memory.get(fingerprint)
        if found is not None and 0 <= (now - found.read_at).total_seconds() < seconds:
            return found
    return None


def _learn(fingerprint: bytes, presented: str, now: datetime) -> _Remembered:
    found = _Remembered(_look_up(presented, now), now)
    memory, most = (_unknown, MOST_UNKNOWN_REMEMBERED) if found.credential is None else (_known, MOST_REMEMBERED)
    with _lock:
        if len(memory) >= most:
            memory.clear()
        memory[fingerprint] = found
        if found.credential is None:
            _known.pop(fingerprint, None)
        else:
            _unknown.pop(fingerprint, None)
    return found


def _look_up(presented: str, now: datetime) -> Credential | None:
    mark, _, rest = presented.partition("_")
    prefix, _, secret = rest.partition("_")
    if mark != "ko" or len(prefix) != 2 * keys.PREFIX_BYTES or not prefix.isalnum() or not prefix.isascii():
        return None
    key = ChannelKey.objects.select_related("channel", "person").filter(prefix=prefix).first()
    if key is None or not hmac.compare_digest(bytes(key.secret_hash), keys.digest(secret)):
        return None
    if not keys.is_active(key, at=now) or not key.channel.is_active:
        return None
    person = key.person
    if person is not None and not person.is_active:
        return None
    return Credential(
        key_id=key.pk,
        key_name=key.name,
        channel_id=key.channel.pk,
        channel_code=key.channel.code,
        channel_name=key.channel.name,
        country=key.channel.country,
        currency=key.channel.currency,
        language=key.channel.language,
        scopes=frozenset(key.scopes),
        requests_per_minute=key.requests_per_minute,
        expires_at=key.expires_at,
        person_id=person.pk if person else None,
        person_name=(person.get_full_name() or person.get_username()) if person else "",
    )
