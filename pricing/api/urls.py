"""Addresses of the prices' doors, under /api/v1/."""

from django.urls import path

from pricing.api import file_views, pack_views, price_views, prior_price_views, views

urlpatterns = [
    path("quotes", views.QuotesView.as_view(), name="quotes"),
    path("quotes/batch", views.QuoteBatchView.as_view(), name="quotes-batch"),
    path("price-lists", price_views.PriceListsView.as_view(), name="price-lists"),
    path("price-lists/<slug:code>/prices", price_views.PricesView.as_view(), name="price-list-prices"),
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
    path("price-pack", pack_views.PricePackView.as_view(), name="price-pack"),
    path("price-pack/reconciliations", pack_views.ReconciliationsView.as_view(), name="price-pack-reconciliations"),
    path("quotes/<uuid:quote_id>", views.QuoteView.as_view(), name="quote"),
]
