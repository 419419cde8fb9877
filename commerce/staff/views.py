"""The shell's own pages: sign-in and sign-out, store, language, search, home, "More" and the pulse of open pages."""

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import site
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import accounts, clock, quotas, transactions
from commerce.staff import attempts, shell
from commerce.staff.forms import SignInForm

LANGUAGE_COOKIE_SECONDS = 365 * 24 * 3600
LANGUAGE_AT_THE_DOOR = "language_at_the_door"  # what the sign-in page was switched to


def _next(request: HttpRequest, otherwise: str) -> str:
    """Return where to go afterwards: the address asked for when it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else otherwise


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request, reverse("staff:home")))
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = _try_to_sign_in(request, form)
        if status == 302:
            return redirect(_next(request, reverse("staff:home")))
    facts = {"form": form, "next": _next(request, "")}
    return render(request, "staff/sign_in.html", facts, status=status)


def _try_to_sign_in(request: HttpRequest, form: SignInForm) -> int:
    """Sign in and return 302, or add the refusal to the form and return its status."""
    if not form.is_valid():
        return 422
    name, address = form.cleaned_data["username"], attempts.address_of(request)
    try:
        attempt = attempts.begin(name, address, at=clock.now())
    except quotas.QuotaExhausted:
        minutes = int(attempts.FORGOTTEN_AFTER.total_seconds() // 60)
        form.add_error(
            None, _("Too many wrong attempts. Wait %(n)d minutes, or ask your store manager.") % {"n": minutes}
        )
        return 429
    user = authenticate(request, username=name, password=form.cleaned_data["password"])
    if user is None:
        form.add_error(None, _("User name and password don’t match. Check both and try again."))
        return 422
    attempts.succeeded(attempt)
    wanted = request.session.pop(LANGUAGE_AT_THE_DOOR, "")
    login(request, user)
    if wanted and wanted != user.language:
        with transactions.transaction():
            accounts.set_language(user.pk, wanted, by=shell.actor(request))
    return 302


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("staff:sign-in")


@require_GET
@shell.signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Go to the first room that this person may enter."""
    room = next((room for room in shell.menu(request) if not room.is_only_in_more), None)
    return redirect(room.url if room else "staff:more")


@require_GET
@shell.signed_in
def more(request: HttpRequest) -> HttpResponse:
    return render(request, "staff/more.html", {"may_administer": site.has_permission(request)})


@require_POST
@shell.signed_in
def store(request: HttpRequest) -> HttpResponse:
    """Work at another store: back to the room one was in, as the thing on the screen may belong to the old store."""
    if shell.choose_store(request, request.POST.get("store", "")) is None:
        return shell.refuse(request)
    return redirect(shell.room_of(request, _next(request, reverse("staff:home"))))


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Speak another language from now on: kept with the person, and in a cookie for the sign-in page."""
    wanted = request.POST.get("language", "")
    response = redirect(_next(request, reverse("staff:home")))
    if wanted not in dict(settings.LANGUAGES):
        return response
    if request.user.is_authenticated:
        with transactions.transaction():
            accounts.set_language(request.user.pk, wanted, by=shell.actor(request))
    else:
        request.session[LANGUAGE_AT_THE_DOOR] = wanted  # whoever signs in next in this browser has just asked for it
    translation.activate(wanted)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        wanted,
        max_age=LANGUAGE_COOKIE_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=request.is_secure(),
    )
    return response


@require_GET
@shell.signed_in
def find(request: HttpRequest) -> HttpResponse:
    """Go to what was scanned or typed; rooms recognise their own things."""
    text = shell.typed(request.GET.get("q", ""))
    if not text:
        messages.info(request, _("Scan a barcode, or type a SKU, a product name, an order number or a pickup code."))
        return redirect("staff:home")
    address = shell.find(request, text)
    return redirect(address) if address else render(request, "staff/nothing_found.html", {"text": text})


@never_cache
@require_GET
def pulse(request: HttpRequest) -> HttpResponse:
    """Tell an open page that we are here, and what waits now. A page whose session ended learns that with 401."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    return render(request, "staff/pulse.html")
