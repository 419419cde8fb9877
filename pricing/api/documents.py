"""Quotes as the API shows them."""

from typing import Any

from pricing.quote_store import GivenQuote
from pricing.quoted import Quote, QuotedLine


def given(found: GivenQuote) -> dict[str, Any]:
    """Return a given quote as the API shows it."""
    return {"id": found.id, **priced(found.quote), "expires_at": found.expires_at, "signature": found.signature}


def priced(quote: Quote) -> dict[str, Any]:
    """Return a price as the API shows it."""
    return {
        "currency": quote.currency,
        "country": quote.country,
        "buyer": quote.buyer,
        "lines": [_line(line) for line in quote.lines],
        "steps": quote.steps,
        "total_minor": quote.total_minor,
        "tax_minor": quote.tax_minor,
        "taxes": quote.taxes,
        "rounding": quote.rounding,
        "tax_rounding": quote.tax_rounding,
        "promotions": quote.promotions,
        "near": quote.near,
        "offers": quote.offers,
        "coupons": quote.coupons,
        "has_free_shipping": quote.has_free_shipping,
        "is_limited": quote.is_limited,
        "is_approximate": quote.is_approximate,
        "ruleset_version": quote.ruleset_version,
        "quoted_at": quote.at,
    }


def _line(line: QuotedLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "quantity": line.quantity,
        "basis": line.basis,
        "unit_price_minor": line.unit_price_minor,
        "total_minor": line.total_minor,
        "tax_minor": line.tax_minor,
        "tax_basis_points": line.tax_basis_points,
        "steps": line.steps,
        "candidates": line.candidates,
        "pieces": [{"quantity": pieces, "paid_minor": minor} for pieces, minor in line.pieces],
        "reference_price_minor": line.reference_price_minor,
        "reference_amount": line.reference_amount,
        "prior_price_minor": line.prior_price_minor,
        "savings_basis_points": line.savings_basis_points,
    }
