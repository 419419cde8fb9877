from django.urls import path

from inventory.api import (
    availability_views,
    look_back_views,
    movement_views,
    reservation_views,
    statement_views,
    supply_views,
    transfer_views,
    views,
)

urlpatterns = [
    path("availability", availability_views.AvailabilityView.as_view(), name="availability"),
    path("availability/query", availability_views.AvailabilityQueryView.as_view(), name="availability-query"),
    path("reservations", reservation_views.ReservationsView.as_view(), name="reservations"),
    path("reservations/batch", reservation_views.ReservationBatchView.as_view(), name="reservation-batch"),
    path("reservations/<uuid:reservation_id>", reservation_views.ReservationView.as_view(), name="reservation"),
    path(
        "reservations/<uuid:reservation_id>/extend",
        reservation_views.ReservationExtendView.as_view(),
        name="reservation-extend",
    ),
    path("stock", views.StockView.as_view(), name="stock"),
    path("stock/history", look_back_views.HistoryView.as_view(), name="stock-history"),
    path("stock/timeline", look_back_views.TimelineView.as_view(), name="stock-timeline"),
    path("stock/receipts", views.ReceiptsView.as_view(), name="stock-receipts"),
    path("stock/adjustments", views.AdjustmentsView.as_view(), name="stock-adjustments"),
    path("stock/returns", movement_views.ReturnsView.as_view(), name="stock-returns"),
    path("stock/write-offs", movement_views.WriteOffsView.as_view(), name="stock-write-offs"),
    path("stock/reclassifications", movement_views.ReclassificationsView.as_view(), name="stock-reclassifications"),
    path("stock/corrections", movement_views.CorrectionsView.as_view(), name="stock-corrections"),
    path("transfers", transfer_views.TransfersView.as_view(), name="transfers"),
    path("transfers/<uuid:transfer_id>", transfer_views.TransferView.as_view(), name="transfer"),
    path("transfers/<uuid:transfer_id>/send", transfer_views.TransferSendView.as_view(), name="transfer-send"),
    path("transfers/<uuid:transfer_id>/expect", transfer_views.TransferExpectView.as_view(), name="transfer-expect"),
    path(
        "transfers/<uuid:transfer_id>/receipts", transfer_views.TransferReceiptsView.as_view(), name="transfer-receipts"
    ),
    path("transfers/<uuid:transfer_id>/close", transfer_views.TransferCloseView.as_view(), name="transfer-close"),
    path("transfers/<uuid:transfer_id>/cancel", transfer_views.TransferCancelView.as_view(), name="transfer-cancel"),
    path("stock/statements", statement_views.StatementsView.as_view(), name="stock-statements"),
    path("stock/discrepancies", statement_views.DiscrepanciesView.as_view(), name="stock-discrepancies"),
    path("locations", views.LocationsView.as_view(), name="locations"),
    path("locations/<str:code>", views.LocationView.as_view(), name="location"),
    path("stock/incoming", supply_views.IncomingView.as_view(), name="stock-incoming"),
    path("suppliers", supply_views.SuppliersView.as_view(), name="suppliers"),
    path("suppliers/<str:code>", supply_views.SupplierView.as_view(), name="supplier"),
    path("purchase-orders", supply_views.PurchaseOrdersView.as_view(), name="purchase-orders"),
    path("purchase-orders/<uuid:order_id>", supply_views.PurchaseOrderView.as_view(), name="purchase-order"),
    path(
        "purchase-orders/<uuid:order_id>/approve",
        supply_views.PurchaseOrderApproveView.as_view(),
        name="purchase-order-approve",
    ),
    path(
        "purchase-orders/<uuid:order_id>/order",
        supply_views.PurchaseOrderOrderView.as_view(),
        name="purchase-order-order",
    ),
    path(
        "purchase-orders/<uuid:order_id>/receipts",
        supply_views.PurchaseOrderReceiptsView.as_view(),
        name="purchase-order-receipts",
    ),
    path(
        "purchase-orders/<uuid:order_id>/close",
        supply_views.PurchaseOrderCloseView.as_view(),
        name="purchase-order-close",
    ),
    path(
        "purchase-orders/<uuid:order_id>/cancel",
        supply_views.PurchaseOrderCancelView.as_view(),
        name="purchase-order-cancel",
    ),
    path(
        "expected-deliveries/<str:supplier>/<str:reference>",
        supply_views.ExpectedDeliveryView.as_view(),
        name="expected-delivery",
    ),
    path(
        "expected-deliveries/<str:supplier>/<str:reference>/cancel",
        supply_views.ExpectedDeliveryCancelView.as_view(),
        name="expected-delivery-cancel",
    ),
]
