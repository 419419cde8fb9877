from django.urls import path

from orders.api import amendment_views, desk, hold_views, views

urlpatterns = [
    path("pickup-windows", views.PickupWindowsView.as_view(), name="api-pickup-windows"),
    path("orders", views.OrdersView.as_view(), name="api-orders"),
    path("orders/<uuid:order_id>", views.OrderDetailView.as_view(), name="api-order"),
    path("orders/<uuid:order_id>/cancel", views.CancelOrderView.as_view(), name="api-order-cancel"),
    path("orders/<uuid:order_id>/amendments", amendment_views.AmendmentsView.as_view(), name="api-order-amendments"),
    path("exceptions", desk.ExceptionsView.as_view(), name="api-exceptions"),
    path("orders/<uuid:order_id>/holds", hold_views.HoldsView.as_view(), name="api-order-holds"),
    path(
        "orders/<uuid:order_id>/holds/<str:kind>/release",
        hold_views.ReleaseHoldView.as_view(),
        name="api-order-hold-release",
    ),
]
