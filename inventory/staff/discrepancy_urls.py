"""Addresses of the pages of discrepancies and of the sources that state figures."""

from django.urls import path

from inventory.staff import discrepancies, statement_sources

urlpatterns = [
    path("", discrepancies.page, name="discrepancies"),
    path("book/", discrepancies.repair_group, name="discrepancies-repair"),
    path("sources/", statement_sources.page, name="statement-sources"),
    path("sources/new/", statement_sources.write, name="statement-source-new"),
    path("sources/<slug:code>/", statement_sources.write, name="statement-source"),
    path("<uuid:discrepancy_id>/", discrepancies.one, name="discrepancy"),
    path("<uuid:discrepancy_id>/book/", discrepancies.repair, name="discrepancy-repair"),
    path("<uuid:discrepancy_id>/accept/", discrepancies.accept, name="discrepancy-accept"),
]
