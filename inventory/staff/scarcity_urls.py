"""Addresses of the desk of scarcity."""

from django.urls import path

from inventory.staff import scarcity

urlpatterns = [
    path("", scarcity.page, name="scarcity"),
    path("policies/<int:channel_id>/", scarcity.write_policy, name="scarcity-policy"),
    path("claims/<uuid:claim_id>/", scarcity.proof, name="scarcity-proof"),
    path("waiting/", scarcity.waiting, name="scarcity-waiting"),
    path("experiments/", scarcity.trials, name="scarcity-experiments"),
    path("experiments/<slug:key>/stop/", scarcity.stop_trial, name="scarcity-experiment-stop"),
]
