"""What stands between the network and the layers: settings, headers, the console's files."""

import json
import logging
import os
import subprocess
import sys

import pytest
from django.test import Client, RequestFactory

from yunlian.edge import console
from yunlian.edge.guards import behind_proxy
from yunlian.edge.logs import JsonFormatter
from yunlian.edge.place import ROOT

WORDS = {"YUNLIAN_SECRET": "s" * 40, "YUNLIAN_CHAIN_SECRET": "c" * 40, "YUNLIAN_HOSTS": "erp.example",
         "YUNLIAN_APP_DATABASE_URL": "postgresql://yunlian_app:x@db.example/erp"}  # fmt: skip


SAY = "import yunlian.edge.settings as s; print(s.DEBUG, 'owner' in s.DATABASES)"
SAY_ROUTE = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "yunlian.edge.settings"
django.setup()
import yunlian.edge.urls
from yunlian.kernel.api import ROUTES
print(next(route.needs for route in ROUTES if route.path == "/api/openapi.json"))
"""


def _settings(say: str = SAY, **environment: str) -> str:
    """What reading the settings in production says."""
    done = subprocess.run(
        [sys.executable, "-c", say],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "YUNLIAN_ENV": "production"} | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_production_starts_with_every_secret_and_without_the_owner() -> None:
    assert _settings(**WORDS) == "False False\n"


def test_production_describes_its_api_to_nobody_who_is_not_signed_in() -> None:
    assert _settings(SAY_ROUTE, **WORDS) == "user\n"
    assert _settings(SAY_ROUTE, **WORDS | {"YUNLIAN_ENV": "development"}) == "public\n"


@pytest.mark.parametrize("missing", sorted(WORDS))
def test_production_refuses_to_start_without(missing: str) -> None:
    assert f"{missing} is not set" in _settings(
        **{name: word for name, word in WORDS.items() if name != missing}
    )


def test_production_refuses_a_short_secret() -> None:
    assert "YUNLIAN_SECRET is shorter than 32" in _settings(**WORDS | {"YUNLIAN_SECRET": "short"})


@pytest.mark.parametrize("address", ["/", "/health", "/api/nothing.here", "/assets/none.js"])
@pytest.mark.django_db
def test_every_answer_carries_the_security_headers(client: Client, address: str) -> None:
    answer = client.get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
def test_strict_transport_over_tls_only(client: Client) -> None:
    assert "Strict-Transport-Security" not in client.get("/health").headers
    assert "max-age=31536000" in client.get("/health", secure=True).headers["Strict-Transport-Security"]


@pytest.mark.django_db
def test_an_unknown_address_of_the_api_is_told_in_its_words(client: Client) -> None:
    answer = client.get("/api/nothing.here/at/all/whatever")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.json()["problems"][0]) >= {"field", "line", "code", "message"}


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch) -> dict[str, console.File]:
    files = {
        "index.html": console.File("text/html; charset=utf-8", b"<page>", None, '"1"', "no-cache"),
        "assets/app.js": console.File(
            "text/javascript; charset=utf-8", b"x" * 9, b"zipped", '"2"', console.FOREVER
        ),
    }
    monkeypatch.setattr(console, "files", lambda: files)
    return files


def test_addresses_of_the_console_get_its_page(client: Client, bundle: object) -> None:
    for address in ("/", "/purchase.order", "/purchase.order/0192-abc", "/sign-in"):
        answer = client.get(address)
        assert (answer.status_code, answer.content) == (200, b"<page>")
    assert client.get("/assets/none.js").status_code == 404


def test_files_are_kept_by_the_browser_for_ever_and_travel_compressed(client: Client, bundle: object) -> None:
    answer = client.get("/assets/app.js", headers={"Accept-Encoding": "gzip, br"})
    assert (answer.content, answer.headers["Content-Encoding"]) == (b"zipped", "gzip")
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/assets/app.js", headers={"If-None-Match": '"2"'}).status_code == 304


@pytest.mark.parametrize(
    "address", ["/assets/../../pyproject.toml", "/../pyproject.toml", "/assets/%2e%2e/x", "/.env"]
)
def test_nothing_else_on_the_disk_is_served(client: Client, bundle: object, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404 or answer.content == b"<page>"


def test_the_page_takes_no_writes(client: Client, bundle: object) -> None:
    assert client.post("/").status_code == 405


def test_behind_our_proxy_the_last_address_counts() -> None:
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.9"})
    behind_proxy(lambda seen: seen.META["REMOTE_ADDR"])(request)  # type: ignore[arg-type,return-value]
    assert request.META["REMOTE_ADDR"] == "203.0.113.9"


def test_nobody_can_write_a_line_of_the_log() -> None:
    record = logging.LogRecord(
        "yunlian", logging.INFO, "", 0, "signed in: %s", ('x\n{"level":"fake"}',), None
    )
    record.enterprise = 7
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line) | {"at": ""} == {
        "at": "", "level": "info", "logger": "yunlian", "message": 'signed in: x\n{"level":"fake"}', "enterprise": 7,
    }  # fmt: skip
