"""Addresses of the stock pages."""

from django.urls import path

from inventory.staff import timeline, views

app_name = "inventory-staff"
urlpatterns = [
    path("stock/", views.stock, name="stock"),
    path("stock/timeline/", timeline.page, name="timeline"),
    path("stock/timeline.csv", timeline.export, name="timeline-csv"),
    path("stock/adjust/", views.adjust, name="adjust"),
    path("stock/receive/", views.receive, name="receive"),
    path("stock/receive/scan/", views.scan_delivery, name="scan-delivery"),
]
