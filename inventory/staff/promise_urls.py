"""Addresses of the pages about promises."""

from django.urls import path

from inventory.staff import promises

urlpatterns = [
    path("stock/why/", promises.why, name="why"),
    path("promises/", promises.page, name="promises"),
    path("promises/policies/new/", promises.write_policy, name="promise-policy-new"),
    path("promises/policies/<int:policy_id>/end/", promises.end_policy, name="promise-policy-end"),
    path("promises/limits/new/", promises.write_limit, name="promise-limit-new"),
    path("promises/limits/<int:limit_id>/end/", promises.end_limit, name="promise-limit-end"),
]
