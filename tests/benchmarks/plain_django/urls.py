from django.urls import path

from tests.benchmarks.plain_django.views import AvailabilityView, OrderView, ReservationView

urlpatterns = [
    path("reservations", ReservationView.as_view()),
    path("orders", OrderView.as_view()),
    path("availability", AvailabilityView.as_view()),
]
