"""Addresses of the prices' doors, under /api/v1/."""

from django.urls import path

from pricing.api import pack_views, prior_price_views, views

urlpatterns = [
    path("quotes", views.QuotesView.as_view(), name="quotes"),
    path("quotes/batch", views.QuoteBatchView.as_view(), name="quotes-batch"),
    path("prior-prices", prior_price_views.PriorPricesView.as_view(), name="prior-prices"),
    path("price-pack", pack_views.PricePackView.as_view(), name="price-pack"),
    path("price-pack/reconciliations", pack_views.ReconciliationsView.as_view(), name="price-pack-reconciliations"),
    path("quotes/<uuid:quote_id>", views.QuoteView.as_view(), name="quote"),
]
