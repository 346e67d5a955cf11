"""Addresses: the API of each layer, health, and the console's files for everything else."""

from django.urls import URLPattern, URLResolver, path, re_path

from yunlian.edge import home  # noqa: F401 - declares what the home page shows
from yunlian.edge.console import console
from yunlian.edge.guards import bad_request, failed, not_found
from yunlian.edge.health import health
from yunlian.kernel.api import handle

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health),
    re_path(r"^api(?:/|$)", handle),
    # Where platforms report to; registered among the routes like everything else.
    re_path(r"^callback/", handle),
    re_path(r"^(?P<name>.*)$", console),
]

handler400 = bad_request
handler404 = not_found
handler500 = failed
