"""Addresses: the API of each layer, health, and the console's files for everything else."""

from django.urls import URLPattern, URLResolver, path, re_path

from yunlian.edge.console import console
from yunlian.edge.guards import bad_request, failed, not_found
from yunlian.edge.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health),
    re_path(r"^(?!api(?:/|$))(?P<name>.*)$", console),
]

handler400 = bad_request
handler404 = not_found
handler500 = failed
