"""Addresses of the customer pages, below `/staff/`."""

from django.urls import path

from customers.staff import views

app_name = "customers-staff"
urlpatterns = [
    path("customers/", views.search, name="search"),
    path("customers/<uuid:profile_id>/", views.profile, name="profile"),
]
