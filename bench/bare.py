"""The floor of callbacks: a WSGI application on the same server and framework that stores the bytes it gets, and no more."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yunlian.edge.settings")
django.setup()

from django.conf import settings  # noqa: E402 - what stands below needs the settings
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import transaction  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from yunlian.kernel.sql import run  # noqa: E402


def store(request: HttpRequest, key: str) -> HttpResponse:
    """Commit the body, then answer."""
    with transaction.atomic():
        run("INSERT INTO bench_bytes (key, body) VALUES (%s, %s)", [key, request.body])
    return HttpResponse(b"")


urlpatterns = [path("callback/<key>", store)]
settings.ROOT_URLCONF = __name__
application = get_wsgi_application()
