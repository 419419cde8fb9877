"""Addresses of the pages of counts."""

from django.urls import path

from inventory.staff import count_desk, counts

urlpatterns = [
    path("counts/", counts.listed, name="counts"),
    path("counts/new/", counts.begin, name="count-new"),
    path("counts/rules/", count_desk.rules, name="count-rules"),
    path("counts/<uuid:count_id>/", counts.count, name="count"),
    path("counts/<uuid:count_id>/scan/", counts.scan, name="count-scan"),
    path("counts/<uuid:count_id>/hand-in/", counts.hand_in, name="count-hand-in"),
    path("counts/<uuid:count_id>/cancel/", counts.cancel, name="count-cancel"),
    path("counts/<uuid:count_id>/list/", counts.blind_list, name="count-list"),
    path("counts/<uuid:count_id>/review/", count_desk.review, name="count-review"),
    path("counts/<uuid:count_id>/decide/", count_desk.decide, name="count-decide"),
    path("counts/<uuid:count_id>/findings/<uuid:finding_id>/", count_desk.settle_finding, name="count-finding"),
]
