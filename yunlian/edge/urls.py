"""Addresses: the API of each layer, health, and the console's files."""

from django.urls import URLPattern, URLResolver, path

from yunlian.edge.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health),
]
