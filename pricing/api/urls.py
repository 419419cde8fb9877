"""Addresses of the prices' doors, under /api/v1/."""

from django.urls import path

from pricing.api import (
    exemption_views,
    file_views,
    pack_views,
    price_views,
    prior_price_views,
    promotion_views,
    version_views,
    views,
)

urlpatterns = [
    path("quotes", views.QuotesView.as_view(), name="quotes"),
    path("quotes/batch", views.QuoteBatchView.as_view(), name="quotes-batch"),
    path("price-lists", price_views.PriceListsView.as_view(), name="price-lists"),
    path("price-lists/<slug:code>/prices", price_views.PricesView.as_view(), name="price-list-prices"),
    path(
        "price-lists/<slug:code>/prices/end",
        price_views.PriceEndingsView.as_view(),
        name="price-list-prices-end",
    ),
    path("price-exports", file_views.PriceExportView.as_view(), name="price-exports"),
    path("price-files", file_views.PriceFilesView.as_view(), name="price-files"),
    path("price-files/<uuid:file_id>", file_views.PriceFileView.as_view(), name="price-file"),
    path(
        "price-files/<uuid:file_id>/confirmation",
        file_views.PriceFileConfirmationView.as_view(),
        name="price-file-confirmation",
    ),
    path("landed-costs", price_views.LandedCostsView.as_view(), name="landed-costs"),
    path("currency-rates", price_views.CurrencyRatesView.as_view(), name="currency-rates"),
    path("product-contents", price_views.ProductContentsView.as_view(), name="product-contents"),
    path("prior-prices", prior_price_views.PriorPricesView.as_view(), name="prior-prices"),
    path("prior-price-exemptions", exemption_views.ExemptionsView.as_view(), name="prior-price-exemptions"),
    path(
        "prior-price-exemptions/<int:exemption_id>/end",
        exemption_views.ExemptionEndView.as_view(),
        name="prior-price-exemption-end",
    ),
    path("price-pack", pack_views.PricePackView.as_view(), name="price-pack"),
    path("price-pack/reconciliations", pack_views.ReconciliationsView.as_view(), name="price-pack-reconciliations"),
    path("quotes/<uuid:quote_id>", views.QuoteView.as_view(), name="quote"),
]

_draft = "promotion-drafts/<uuid:draft_id>"
urlpatterns += [
    path("promotion-drafts", promotion_views.DraftsView.as_view(), name="promotion-drafts"),
    path(_draft, promotion_views.DraftView.as_view(), name="promotion-draft"),
    path(f"{_draft}/submit", promotion_views.SubmitDraftView.as_view(), name="promotion-draft-submit"),
    path(f"{_draft}/approve", promotion_views.ApproveDraftView.as_view(), name="promotion-draft-approve"),
    path(f"{_draft}/reject", promotion_views.RejectDraftView.as_view(), name="promotion-draft-reject"),
    path(f"{_draft}/take-back", promotion_views.TakeBackDraftView.as_view(), name="promotion-draft-take-back"),
    path(f"{_draft}/publish", promotion_views.PublishDraftView.as_view(), name="promotion-draft-publish"),
    path(f"{_draft}/emergency", promotion_views.EmergencyDraftView.as_view(), name="promotion-draft-emergency"),
    path(f"{_draft}/discard", promotion_views.DiscardDraftView.as_view(), name="promotion-draft-discard"),
    path(f"{_draft}/findings", promotion_views.DraftFindingsView.as_view(), name="promotion-draft-findings"),
    path(f"{_draft}/differences", promotion_views.DraftDifferencesView.as_view(), name="promotion-draft-differences"),
    path(f"{_draft}/simulations", version_views.DraftSimulationsView.as_view(), name="promotion-draft-simulations"),
    path(
        "promotion-simulations/<uuid:simulation_id>", version_views.PromotionSimulationView.as_view(),
        name="promotion-simulation",
    ),
    path("ruleset-versions", version_views.VersionsView.as_view(), name="ruleset-versions"),
    path("ruleset-versions/<int:number>", version_views.VersionView.as_view(), name="ruleset-version"),
    path(
        "ruleset-versions/<int:number>/withdraw", version_views.WithdrawVersionView.as_view(),
        name="ruleset-version-withdraw",
    ),
    path(
        "ruleset-versions/<int:number>/roll-back", version_views.RollBackVersionView.as_view(),
        name="ruleset-version-roll-back",
    ),
]  # fmt: skip
