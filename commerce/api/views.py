"""The base of every API view: who calls, what they may, how often; one transaction; and the answer as bytes."""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from rest_framework.request import Request
from rest_framework.views import APIView

from commerce import idempotency, transactions
from commerce.api import metrics, problems, rendering, throttling
from commerce.api.authentication import Credential, authenticate, check_scope
from commerce.channels import signing
from commerce.errors import CommerceError, IdempotencyKeyReused, MethodNotAllowed, RequestInProgress
from commerce.roles import Scope

SEALED = "sealed:"  # before the content type of a stored answer that is encrypted
_REFUSALS_OF_READING = frozenset({400, 404, 409, 410, 422})
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
Work = Callable[[], tuple[int, Any] | tuple[int, Any, dict[str, str]]]


class ApiRequest(Request):
    """A request whose caller is known. `auth` is the Credential; `data` the JSON document of the body, read on demand."""

    auth: Credential

    @property
    def data(self) -> Any:
        if "_document" not in self.__dict__:
            self.__dict__["_document"] = rendering.decode(self._request)
        return self.__dict__["_document"]


class ApiView(APIView):
    """One address of the API.

    A subclass names the scope each method needs in `scopes` and defines `get`, `post` …; these parse, make one verb call
    inside `run` or `once`, and `reply`. Refusals leave as problem documents by themselves.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    scopes: ClassVar[Mapping[str, Scope]] = {}
    # Methods besides GET that change nothing, such as a query too long for an address. They take no idempotency key.
    reading: ClassVar[frozenset[str]] = frozenset()

    request: ApiRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Authenticate, check method, scope and rate, call the method's handler. Leaner than DRF's own, same doors."""
        started = time.perf_counter()
        translation.activate("en")  # threads also serve staff pages; the API speaks English
        self.args, self.kwargs = args, kwargs
        self.request = call = ApiRequest(request)
        rate: dict[str, str] = {}
        status = 500
        try:
            try:
                credential = authenticate(request.META.get("HTTP_AUTHORIZATION"))
                call._authenticator, call._user, call._auth = None, None, credential
                method = str(request.method)
                handler = getattr(self, method.lower(), None) if method.lower() in self.http_method_names else None
                if handler is None:
                    raise MethodNotAllowed(f"{method} is not known here.", allowed=self.allowed_methods)
                check_scope(credential, self.scopes.get("GET" if method == "HEAD" else method))
                rate = throttling.take(credential)
                response: HttpResponse = handler(call, *args, **kwargs)
            except Exception as fault:
                answer = self._answered_before(call, fault) or problems.handle(
                    fault, {"request": request, "view": self}
                )
                if answer is None:
                    raise
                response = answer
            status = response.status_code
        finally:
            metrics.observe(type(self).__name__, str(request.method), status, time.perf_counter() - started)
        for name, value in rate.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    # --- answers ----------------------------------------------------------------------------------------------------

    def reply(self, document: Any, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
        """Return a document as JSON; None is an answer without a body."""
        return rendering.reply(document, status, headers)

    def run(self, work: Work) -> HttpResponse:
        """Do `work` in one transaction and answer with what it returns: (status, document) or with headers besides."""
        with transactions.transaction():
            outcome = work()
        return self.reply(outcome[1], outcome[0], outcome[2] if len(outcome) == 3 else None)

    def once(self, request: ApiRequest, work: Work, *, is_secret: bool = False) -> HttpResponse:
        """Do `work` in one transaction; with an idempotency key at most once ever (law 8).

        A replay gets the first answer's status and body with `Idempotency-Replayed: true`. A refusal that will stand
        (404, 409, 410, 422) is kept as the answer too, its effects rolled back. An answer that `is_secret` is encrypted
        where it is kept.

        Raises: RequestInProgress, IdempotencyKeyReused, and what `work` raises.
        """
        key = idempotency.key_of(request.META)
        if key is None:
            return self.run(work)
        attempt = self.attempt(request, key)
        is_ours = False
        try:
            with transactions.transaction():
                replay = idempotency.begin(attempt.credential, attempt.key, attempt.request_hash)
                if replay is not None:
                    return self.replay(replay)
                is_ours = True
                outcome = work()
                response = self.reply(outcome[1], outcome[0], outcome[2] if len(outcome) == 3 else None)
                self._keep(attempt, response, is_secret=is_secret)
            return response
        except CommerceError as refusal:
            if not is_ours or not idempotency.is_kept(refusal):
                raise
            response = problems.respond(refusal, instance=request.path)
        with transactions.transaction():
            replay = idempotency.begin(attempt.credential, attempt.key, attempt.request_hash)
            if replay is not None:  # another process answered between our two transactions: the first answer counts
                return self.replay(replay)
            self._keep(attempt, response)
        return response

    def _answered_before(self, request: ApiRequest, fault: Exception) -> HttpResponse | None:
        """Return the first answer to a replay that would be refused while it is read, before anyone asks for its key.

        A store may have closed and a product may have gone since; the answer stays what it was (law 8).
        """
        raw = request._request
        if not isinstance(fault, CommerceError) or fault.status not in _REFUSALS_OF_READING:
            return None
        if isinstance(fault, RequestInProgress | IdempotencyKeyReused) or raw.method not in _WRITING:
            return None
        try:
            key = idempotency.key_of(request.META)
            if key is None or raw.method in self.reading:
                return None
            attempt = self.attempt(request, key)
            with transactions.transaction():
                first = idempotency.begin(attempt.credential, attempt.key, attempt.request_hash)
            return self.replay(first) if first is not None else None
        except IdempotencyKeyReused as reused:
            return problems.respond(reused, instance=request.path)
        except CommerceError:
            return None

    @staticmethod
    def attempt(request: ApiRequest, key: str) -> idempotency.Attempt:
        """Return what identifies this request for replays."""
        raw = request._request
        body_hash = idempotency.hash_of(str(raw.method), raw.get_full_path(), rendering.body_of(raw))
        return idempotency.Attempt(str(request.auth.key_id), key, body_hash)

    @staticmethod
    def replay(first: idempotency.Replay) -> HttpResponse:
        """Return the first answer again, marked as such."""
        body, content_type = first.body, first.content_type
        if content_type.startswith(SEALED):
            body, content_type = signing.unseal(body).encode(), content_type.removeprefix(SEALED)
        return HttpResponse(
            body, status=first.status, content_type=content_type, headers={idempotency.REPLAYED: "true"}
        )

    def with_etag(self, request: ApiRequest, document: Any, *, version: object = None) -> HttpResponse:
        """Return a document with its ETag, or 304 when the caller has it already.

        The tag comes from `version` where the document has one, else from its bytes.
        """
        body = rendering.encode(document)
        seed = body if version is None else f"{request.path}:{version}".encode()
        tag = f'"{hashlib.blake2b(seed, digest_size=12).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if _matches(request.META.get("HTTP_IF_NONE_MATCH"), tag):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(body, content_type=rendering.JSON, headers=headers)

    @staticmethod
    def _keep(attempt: idempotency.Attempt, response: HttpResponse, *, is_secret: bool = False) -> None:
        content_type = response.headers.get("Content-Type", rendering.JSON)
        idempotency.store(
            attempt.credential,
            attempt.key,
            attempt.request_hash,
            status=response.status_code,
            body=signing.seal(response.content.decode()) if is_secret else response.content,
            content_type=SEALED + content_type if is_secret else content_type,
        )


def _matches(given: str | None, tag: str) -> bool:
    if not given:
        return False
    return given.strip() == "*" or tag in {part.strip().removeprefix("W/") for part in given.split(",")}
