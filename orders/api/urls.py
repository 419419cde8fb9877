from django.urls import path

from orders.api import amendment_views, desk, door_views, hold_views, payment_views, return_views, routing_views, views

urlpatterns = [
    path("pickup-windows", views.PickupWindowsView.as_view(), name="api-pickup-windows"),
    path("orders", views.OrdersView.as_view(), name="api-orders"),
    path("orders/<uuid:order_id>", views.OrderDetailView.as_view(), name="api-order"),
    path("orders/<uuid:order_id>/cancel", views.CancelOrderView.as_view(), name="api-order-cancel"),
    path("orders/<uuid:order_id>/amendments", amendment_views.AmendmentsView.as_view(), name="api-order-amendments"),
    path("order-inbox", door_views.DoorView.as_view(), name="api-order-inbox"),
    path("order-inbox/<str:event_id>", door_views.HandedInView.as_view(), name="api-order-inbox-event"),
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
    path("returns", return_views.ReturnsView.as_view(), name="api-returns"),
    path("returns/<uuid:return_id>", return_views.ReturnDetailView.as_view(), name="api-return"),
    path("returns/<uuid:return_id>/send", return_views.SendReturnView.as_view(), name="api-return-send"),
    path("returns/<uuid:return_id>/receive", return_views.ReceiveReturnView.as_view(), name="api-return-receive"),
    path("returns/<uuid:return_id>/inspect", return_views.InspectReturnView.as_view(), name="api-return-inspect"),
    path("returns/<uuid:return_id>/refund", return_views.RefundReturnView.as_view(), name="api-return-refund"),
    path("returns/<uuid:return_id>/cancel", return_views.CancelReturnView.as_view(), name="api-return-cancel"),
    path("orders/<uuid:order_id>/routing", routing_views.OrderRoutingView.as_view(), name="api-order-routing"),
    path("routing/policies", routing_views.RoutingPoliciesView.as_view(), name="api-routing-policies"),
    path("routing/policies/<int:number>", routing_views.RoutingPolicyView.as_view(), name="api-routing-policy"),
    path(
        "routing/policies/<int:number>/simulations",
        routing_views.RoutingSimulationsView.as_view(),
        name="api-routing-simulations",
    ),
    path(
        "routing/policies/<int:number>/activate",
        routing_views.ActivateRoutingPolicyView.as_view(),
        name="api-routing-activate",
    ),
    path(
        "routing/policies/<int:number>/restore",
        routing_views.RestoreRoutingPolicyView.as_view(),
        name="api-routing-restore",
    ),
    path(
        "routing/simulations/<uuid:simulation_id>",
        routing_views.RoutingSimulationView.as_view(),
        name="api-routing-simulation",
    ),
    path("routing/shadow", routing_views.RoutingShadowView.as_view(), name="api-routing-shadow"),
]
