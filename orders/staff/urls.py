"""Addresses of the pickup counter and of orders, below `/staff/`."""

from django.urls import path

from orders.staff import (
    desk_views,
    hold_views,
    money_views,
    order_views,
    packing_views,
    payment_views,
    pick_views,
    pickup_views,
    settlement_views,
    views,
    wave_views,
)

app_name = "orders-staff"

_AT = "pickup/<uuid:fulfilment_id>/"

urlpatterns = [
    path("pickup/", views.queue, name="queue"),
    path("pickup/board/", views.queue_board, name="board"),
    path("pickup/hand-over/", views.find_by_code, name="find-by-code"),
    path("pickup/alerts/", pickup_views.ring_here, name="ring"),
    path("pickup/alerts/off/", pickup_views.ring_no_more, name="ring-no-more"),
    path(f"{_AT}move/", pickup_views.move, name="move-pickup"),
    *[path(f"{_AT}{name}/", views.step, {"name": name}, name=name) for name in views.STEPS],
    *[path(f"{_AT}{name}/", views.note, {"name": name}, name=name) for name in views.NOTES],
    path(f"{_AT}hand-over/", views.hand_over, name="hand-over"),
    path(f"{_AT}pick/", pick_views.pick, name="pick"),
    path(f"{_AT}pick/scan/", pick_views.scan, name="scan"),
    path(f"{_AT}pick/<uuid:line_id>/count/", pick_views.count, name="count"),
    path(f"{_AT}pick/<uuid:line_id>/missing/", pick_views.missing, name="missing"),
    path("exceptions/", desk_views.desk, name="desk"),
    path("exceptions/<uuid:case_id>/", desk_views.case, name="case"),
    path("exceptions/<uuid:case_id>/take/", desk_views.take, name="case-take"),
    path("exceptions/<uuid:case_id>/give-back/", desk_views.give_back, name="case-give-back"),
    path("exceptions/<uuid:case_id>/snooze/", desk_views.snooze, name="case-snooze"),
    path("exceptions/<uuid:case_id>/settle/", desk_views.settle, name="case-settle"),
    path("exceptions/<uuid:case_id>/do/<slug:code>/", desk_views.act, name="case-act"),
    path("waves/", wave_views.waves, name="waves"),
    path("waves/begin/", wave_views.begin, name="wave-begin"),
    path("waves/figures/", wave_views.figures, name="picking-figures"),
    path("waves/<uuid:wave_id>/", wave_views.wave, name="wave"),
    path("waves/<uuid:wave_id>/scan/", wave_views.scan, name="wave-scan"),
    path("waves/<uuid:wave_id>/finish/", wave_views.finish, name="wave-finish"),
    path("waves/<uuid:wave_id>/take-over/", wave_views.take_over, name="wave-take-over"),
    path("waves/<uuid:wave_id>/<int:product_id>/missing/", wave_views.missing, name="wave-missing"),
    path("packing/", packing_views.packing, name="packing"),
    path("packing/labels/<uuid:label_id>/", packing_views.label, name="ship-label"),
    path("packing/<uuid:fulfilment_id>/", packing_views.station, name="pack"),
    path("packing/<uuid:fulfilment_id>/scan/", packing_views.scan, name="pack-scan"),
    path("packing/<uuid:fulfilment_id>/slip/", packing_views.paper, {"kind": "slip"}, name="packing-slip"),
    *[
        path(f"packing/<uuid:fulfilment_id>/{name}/", packing_views.step, {"name": name}, name=f"pack-{name}")
        for name in packing_views.STEPS
    ],
    path(f"{_AT}label/", packing_views.paper, {"kind": "label"}, name="pickup-label"),
    path("orders/", order_views.search, name="orders"),
    path("orders/<uuid:order_id>/", order_views.order, name="order"),
    path("orders/<uuid:order_id>/cancel/", order_views.cancel, name="cancel"),
    path("orders/<uuid:order_id>/pay/", payment_views.pay, name="order-pay"),
    path("orders/<uuid:order_id>/give-back/", payment_views.give_back, name="order-give-back"),
    path("orders/<uuid:order_id>/payments/<uuid:payment_id>/<slug:verb>/", payment_views.ask, name="payment-ask"),
    path("orders/<uuid:order_id>/by-hand/<uuid:request_id>/", payment_views.by_hand, name="payment-by-hand"),
    path("orders/<uuid:order_id>/hold/", hold_views.hold, name="hold"),
    path("orders/<uuid:order_id>/release-hold/", hold_views.release, name="release-hold"),
    path("orders/<uuid:order_id>/messages/<uuid:notice_id>/again/", order_views.resend, name="resend"),
    path("settlements/", settlement_views.page, name="settlements"),
    path("settlements/read/", settlement_views.read, name="settlements-read"),
    path("settlements/files/<uuid:file_id>/rejects/", settlement_views.rejects, name="settlement-rejects"),
    path("settlements/matches/<uuid:match_id>/confirm/", settlement_views.confirm, name="settlement-confirm"),
    path("settlements/matches/<uuid:match_id>/reject/", settlement_views.reject, name="settlement-reject"),
    path("settlements/lines/<uuid:line_id>/own/", settlement_views.own, name="settlement-own"),
    path("settlements/lines/<uuid:line_id>/set-aside/", settlement_views.set_aside, name="settlement-set-aside"),
    path("settlements/figures/", money_views.figures, name="money-figures"),
    path("settlements/figures.csv", money_views.figures_csv, name="money-figures-csv"),
]
