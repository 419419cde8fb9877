from django.urls import path

from orders import public_returns, public_views

urlpatterns = [
    path("track/<str:token>/", public_views.track, name="tracking"),
    path("track/<str:token>/return/", public_returns.announce, name="tracking-return"),
    path("track/<str:token>/return/<uuid:return_id>/label", public_returns.label, name="tracking-return-label"),
    path("track/<str:token>/cancel", public_views.cancel, name="tracking-cancel"),
    path("track/<str:token>/arrive", public_views.arrive, name="tracking-arrive"),
    path("track/<str:token>/on-my-way", public_views.on_my_way, name="tracking-on-my-way"),
    path("track/<str:token>/helper", public_views.name_helper, name="tracking-helper"),
    path("track/<str:token>/move", public_views.move, name="tracking-move"),
    path("track/<str:token>/choose/<uuid:shortage_id>", public_views.choose, name="tracking-choose"),
]
