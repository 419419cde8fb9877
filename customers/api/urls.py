"""Addresses of the customers API, below `/api/v1/`."""

from django.urls import path

from customers.api import views

urlpatterns = [
    path("customers/<uuid:profile_id>/segments", views.SegmentsView.as_view(), name="api-customer-segments"),
    path("customers/<uuid:profile_id>/standing", views.StandingView.as_view(), name="api-customer-standing"),
]
