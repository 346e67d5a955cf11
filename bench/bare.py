"""The floor of callbacks: a WSGI application on the same server and framework that stores the bytes it gets, and no more."""

import os

import django
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from yunlian.kernel.sql import run

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yunlian.edge.settings")


def store(request: HttpRequest, key: str) -> HttpResponse:
    """Commit the body, then answer."""
    with transaction.atomic():
        run("INSERT INTO bench_bytes (key, body) VALUES (%s, %s)", [key, request.body])
    return HttpResponse(b"")


urlpatterns = [path("callback/<key>", store)]


def _application() -> object:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    django.setup()
    settings.ROOT_URLCONF = __name__
    connection.close()
    return get_wsgi_application()


application = _application() if os.environ.get("BENCH_BARE") else None
