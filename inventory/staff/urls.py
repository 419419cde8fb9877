"""Addresses of the stock pages."""

from django.urls import include, path

from inventory.staff import replenishment, seals, sharing, timeline, views

app_name = "inventory-staff"
urlpatterns = [
    path("stock/", views.stock, name="stock"),
    path("stock/timeline/", timeline.page, name="timeline"),
    path("stock/timeline.csv", timeline.export, name="timeline-csv"),
    path("stock/discrepancies/", include("inventory.staff.discrepancy_urls")),
    path("stock/seals/", seals.page, name="seals"),
    path("stock/seals/prove/", seals.prove, name="seals-prove"),
    path("stock/seals/<int:number>/", seals.segment, name="seal"),
    path("stock/adjust/", views.adjust, name="adjust"),
    path("", include("inventory.staff.moving_urls")),
    path("replenishment/", replenishment.proposals, name="replenishment"),
    path("replenishment/decide/", replenishment.decide, name="replenishment-decide"),
    path("replenishment/proposals/<uuid:proposal_id>/", replenishment.proposal, name="replenishment-proposal"),
    path("replenishment/rules/", replenishment.rules, name="replenishment-rules"),
    path("replenishment/rules/new/", replenishment.write_rule, name="replenishment-rule-new"),
    path("replenishment/rules/<int:rule_id>/", replenishment.write_rule, name="replenishment-rule"),
    path("replenishment/promotions/new/", replenishment.write_promotion, name="replenishment-promotion-new"),
    path(
        "replenishment/promotions/<int:uplift_id>/remove/",
        replenishment.remove_promotion,
        name="replenishment-promotion-remove",
    ),
    path("", include("inventory.staff.supply_urls")),
    path("", include("inventory.staff.count_urls")),
    path("stock/receive/", views.receive, name="receive"),
    path("stock/receive/scan/", views.scan_delivery, name="scan-delivery"),
    path("", include("inventory.staff.promise_urls")),
    path("scarcity/", include("inventory.staff.scarcity_urls")),
    path("sharing/", sharing.rules, name="sharing"),
    path("sharing/rules/new/", sharing.write_rule, name="sharing-rule-new"),
    path("sharing/rules/<int:rule_id>/", sharing.rule, name="sharing-rule"),
    path("sharing/rules/<int:rule_id>/edit/", sharing.write_rule, name="sharing-rule-edit"),
    path("sharing/rules/<int:rule_id>/preview/", sharing.preview_rule, name="sharing-rule-preview"),
    path("sharing/rules/<int:rule_id>/activate/", sharing.activate_rule, name="sharing-rule-activate"),
    path("sharing/rules/<int:rule_id>/retire/", sharing.retire_rule, name="sharing-rule-retire"),
    path("sharing/rules/<int:rule_id>/discard/", sharing.discard_rule, name="sharing-rule-discard"),
    path("sharing/policies/", sharing.policies, name="sharing-policies"),
    path("sharing/policies/new/", sharing.write_policy, name="sharing-policy-new"),
    path("sharing/policies/<int:policy_id>/", sharing.policy, name="sharing-policy"),
    path("sharing/policies/<int:policy_id>/activate/", sharing.activate_policy, name="sharing-policy-activate"),
    path("sharing/policies/<int:policy_id>/retire/", sharing.retire_policy, name="sharing-policy-retire"),
    path("sharing/policies/<int:policy_id>/discard/", sharing.discard_policy, name="sharing-policy-discard"),
    path("sharing/policies/<int:policy_id>/steps/<uuid:step_id>/undo/", sharing.undo_step, name="sharing-step-undo"),
    path("sharing/obligations/", sharing.obligations_page, name="sharing-obligations"),
    path("sharing/obligations/new/", sharing.write_obligation, name="sharing-obligation-new"),
    path("sharing/obligations/<int:obligation_id>/end/", sharing.end_obligation, name="sharing-obligation-end"),
]
