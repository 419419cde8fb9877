"""Addresses of the pages of deliveries and purchase orders."""

from django.urls import path

from inventory.staff import deliveries, purchase_orders

urlpatterns = [
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/<uuid:order_id>/", deliveries.delivery, name="delivery"),
    path("deliveries/<uuid:order_id>/scan/", deliveries.scan, name="scan-count"),
    path("deliveries/<uuid:order_id>/close/", deliveries.close, name="close-delivery"),
    path("purchase-orders/", purchase_orders.page, name="purchase-orders"),
    path("purchase-orders/new/", purchase_orders.write, name="purchase-order-new"),
    path("purchase-orders/scan/", purchase_orders.scan, name="purchase-order-scan"),
    path("purchase-orders/<uuid:order_id>/", purchase_orders.one, name="purchase-order"),
    path("purchase-orders/<uuid:order_id>/edit/", purchase_orders.write, name="purchase-order-edit"),
    path("purchase-orders/<uuid:order_id>/<slug:action>/", purchase_orders.step, name="purchase-order-step"),
]
