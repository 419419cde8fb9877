"""Doors to prior prices: what may be announced of products, for shop pages and for whoever plans a reduction."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from pricing import floors, prior_prices, revisions
from pricing.api.price_bodies import PriorPriceDocument, PriorPriceRequest
from pricing.api.views import terms_of
from pricing.prior_price import PriorPrice, Unknown
from pricing.prior_prices import Claim, Verdict


class PriorPricesView(ApiView):
    """Lowest prices of the 30 days before a reduction."""

    scopes: ClassVar = {"POST": Scope.QUOTES_WRITE}

    @extend_schema(operation_id="prior_prices", request=PriorPriceRequest, responses={200: PriorPriceDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Say what anyone pays for one piece of products on this channel, and what may be announced of it.

        The prior price is the lowest one that was applied in the 30 days before the reduction was first announced (§ 11
        PAngV, art. 6a of directive 98/6/EC); for steps down without a break it is that of the first. With `amount_minor`
        or `announced_at` the answer is for a reduction that is planned; `claim_basis_points` asks whether that percentage
        may be said (it may not be more than what is saved against the prior price: Court of Justice, C-330/23).
        """
        wanted = PriorPriceRequest.read(request.data)["products"]
        products = catalog.known([one["sku"] for one in wanted], at="products[{}].sku")
        claims = [
            Claim(products[one["sku"]].id, one["amount_minor"], one["announced_at"], one["claim_basis_points"])
            for one in wanted
        ]
        at = clock.now()
        verdicts = prior_prices.judge(terms_of(request.auth), claims, at=at)
        shown = {
            product_id: minor
            for product_id, (currency, minor) in floors.known(revisions.current()[0]).advertised.items()
            if currency == request.auth.currency
        }
        answers = [
            _answer(one["sku"], verdict, one["claim_basis_points"], shown.get(verdict.product_id))
            for one, verdict in zip(wanted, verdicts, strict=True)
        ]
        return self.reply({"at": at, "products": answers})


def _answer(sku: str, verdict: Verdict, claimed: int | None, shown_minor: int | None) -> dict[str, Any]:
    prior = verdict.prior
    found = prior if isinstance(prior, PriorPrice) else None
    return {
        "sku": sku,
        "price_minor": verdict.amount_minor,
        "advertised_price_minor": max(verdict.amount_minor, shown_minor or 0) if verdict.amount_minor else None,
        "is_reduced": verdict.is_reduced,
        "prior_price_minor": found.amount_minor if found else None,
        "no_prior_price_because": prior.value if isinstance(prior, Unknown) else "",
        "savings_minor": verdict.saving_minor,
        "savings_basis_points": verdict.saving_basis_points,
        "announced_at": found.anchored_at if found else None,
        "since": found.since if found else None,
        "is_carried_in": bool(found and found.is_carried_in),
        "is_offered_for_less": bool(found and found.is_shorter),
        "steps": found.steps if found else 0,
        "exempt_because": verdict.exemption.kind.value if verdict.exemption else "",
        "exempt_reason": verdict.exemption.reason if verdict.exemption else "",
        "claim_is_true": verdict.is_true,
        "message": _message(sku, verdict, claimed),
    }


def _message(sku: str, verdict: Verdict, claimed: int | None) -> str:
    """Return the sentence with the way out, for a claim that is not true, or that nobody has to prove."""
    if verdict.exemption and claimed is not None:
        return f"{sku} is exempt (§ 11 (4) PAngV): name no prior price, and say at the goods why they are reduced."
    if verdict.is_true is not False or claimed is None:
        return ""
    said = f"-{claimed / 100:g} % can't be said of {sku}"
    if not isinstance(verdict.prior, PriorPrice):
        return f"{said}: it has no price of the last 30 days to compare with. Announce no reduction."
    if not verdict.saving_basis_points:
        return (
            f"{said}: it was offered for {verdict.prior.amount_minor} before, which is not more. Announce no reduction."
        )
    return (
        f"{said}: the lowest price of the 30 days before was {verdict.prior.amount_minor}, so it is "
        f"-{verdict.saving_basis_points / 100:g} % at most. Say that, or lower the price."
    )
