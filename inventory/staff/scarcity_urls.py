"""Addresses of the desk of scarcity."""

from django.urls import path

from inventory.staff import scarcity, scarcity_writing

urlpatterns = [
    path("", scarcity.page, name="scarcity"),
    path("policies/<int:channel_id>/", scarcity.write_policy, name="scarcity-policy"),
    path("claims/<uuid:claim_id>/", scarcity.proof, name="scarcity-proof"),
    path("waiting/", scarcity.waiting, name="scarcity-waiting"),
    path("experiments/", scarcity.trials, name="scarcity-experiments"),
    path("experiments/<slug:key>/stop/", scarcity.stop_trial, name="scarcity-experiment-stop"),
    path("wordings/", scarcity_writing.wordings, name="scarcity-wordings"),
    path("wordings/new/", scarcity_writing.write_wording, name="scarcity-wording-new"),
    path("wordings/<int:wording_id>/remove/", scarcity_writing.remove_wording, name="scarcity-wording-remove"),
    path("experiments/new/", scarcity_writing.write_trial, name="scarcity-experiment-new"),
    path("experiments/<slug:key>/start/", scarcity_writing.start_trial, name="scarcity-experiment-start"),
]
