from django.urls import path

from orders.api import amendment_views, desk, hold_views, payment_views, views

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
    path("orders/<uuid:order_id>/payments", payment_views.OrderPaymentsView.as_view(), name="api-order-payments"),
    path("orders/<uuid:order_id>/refunds", payment_views.RefundsView.as_view(), name="api-order-refunds"),
    path("payments/<uuid:payment_id>", payment_views.PaymentView.as_view(), name="api-payment"),
    path("payments/<uuid:payment_id>/capture", payment_views.CapturePaymentView.as_view(), name="api-payment-capture"),
    path("payments/<uuid:payment_id>/void", payment_views.VoidPaymentView.as_view(), name="api-payment-void"),
    path("gift-cards", payment_views.GiftCardsView.as_view(), name="api-gift-cards"),
    path("gift-cards/balance", payment_views.GiftCardBalanceView.as_view(), name="api-gift-card-balance"),
    path("payment-webhooks/<slug:provider>", payment_views.payment_webhook, name="api-payment-webhook"),
]
