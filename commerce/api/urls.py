from django.urls import path

from commerce.api import experiments, resources

urlpatterns = [
    path("products", resources.ProductList.as_view(), name="api-products"),
    path("products/<path:sku>", resources.ProductDetail.as_view(), name="api-product"),
    path("webhook-endpoints", resources.EndpointList.as_view(), name="api-webhook-endpoints"),
    path("webhook-endpoints/<uuid:endpoint_id>", resources.EndpointDetail.as_view(), name="api-webhook-endpoint"),
    path(
        "webhook-endpoints/<uuid:endpoint_id>/rotate-secret",
        resources.EndpointSecret.as_view(),
        name="api-webhook-endpoint-secret",
    ),
    path("events", resources.EventStream.as_view(), name="api-events"),
    path("experiments/<slug:key>/outcomes", experiments.OutcomesView.as_view(), name="api-experiment-outcomes"),
]
