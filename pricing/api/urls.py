"""Addresses of the prices' doors, under /api/v1/."""

from django.urls import path

from pricing.api import views

urlpatterns = [
    path("quotes", views.QuotesView.as_view(), name="quotes"),
    path("quotes/batch", views.QuoteBatchView.as_view(), name="quotes-batch"),
    path("quotes/<uuid:quote_id>", views.QuoteView.as_view(), name="quote"),
]
