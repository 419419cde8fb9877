"""Addresses of the staff shell."""

from django.urls import path

from commerce.staff import parked, photos, views

app_name = "staff"
urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("store/", views.store, name="store"),
    path("language/", views.language, name="language"),
    path("find/", views.find, name="find"),
    path("photo/", photos.decode, name="photo"),
    path("more/", views.more, name="more"),
    path("pulse/", views.pulse, name="pulse"),
    path("messages/", parked.parked, name="messages"),
    path("messages/<int:delivery_id>/retry/", parked.retry, name="retry-message"),
    path("messages/<int:delivery_id>/dismiss/", parked.dismiss, name="dismiss-message"),
]
