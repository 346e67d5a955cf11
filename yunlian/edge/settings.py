"""Django's settings: everything that differs between places comes from the environment.

`make run` and the tests set what they need; production sets it itself and refuses to start when something is
missing. Names: YUNLIAN_ENV (development, test or production), YUNLIAN_SECRET, YUNLIAN_CHAIN_SECRET,
YUNLIAN_HOSTS, YUNLIAN_APP_DATABASE_URL, YUNLIAN_OWNER_DATABASE_URL (migrations only), YUNLIAN_PROXY (1 behind a
proxy with TLS), YUNLIAN_PUBLIC_URL (where platforms reach us), YUNLIAN_WECOM_URL, YUNLIAN_DINGTALK_URL and YUNLIAN_SMS_URL
(their sandbox instead of them), YUNLIAN_SMS_GATEWAY (who sends codes), YUNLIAN_DINGTALK_SUITE (our
marketplace app), YUNLIAN_VAR.
"""

import json
import os
from typing import Any

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from yunlian.edge import logs
from yunlian.edge.place import ROOT, VAR

django_stubs_ext.monkeypatch()  # models are written with their types, which Django's classes do not take

ENVIRONMENT = os.environ.get("YUNLIAN_ENV", "development")
if ENVIRONMENT not in ("development", "test", "production"):
    raise ImproperlyConfigured(f"YUNLIAN_ENV is {ENVIRONMENT!r}; it must be development, test or production")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False  # errors are answered as JSON and logged; a page with our variables on it is never wanted


def _kept() -> dict[str, str]:
    """What the last `make run` of this checkout used, so that manage.py reaches the same database."""
    path = VAR / "access.json"
    return (
        {}
        if ENVIRONMENT != "development" or not path.exists()
        else json.loads(path.read_text(encoding="utf-8"))
    )


def _required(name: str, otherwise: str) -> str:
    """The environment's value; in production a missing one stops the start."""
    value = os.environ.get(name, "")
    if value:
        return value
    if PRODUCTION:
        raise ImproperlyConfigured(f"{name} is not set; production does not start without it")
    return otherwise


SECRET_KEY = _required("YUNLIAN_SECRET", _kept().get("secret", "only-for-development"))
# Wraps the private keys of the chain, so that a dump of the database alone cannot sign.
CHAIN_SECRET = _required("YUNLIAN_CHAIN_SECRET", _kept().get("chain_secret", "only-for-development"))
for _name, _value in (("YUNLIAN_SECRET", SECRET_KEY), ("YUNLIAN_CHAIN_SECRET", CHAIN_SECRET)):
    if PRODUCTION and len(_value) < 32:
        raise ImproperlyConfigured(f"{_name} is shorter than 32 characters")
ALLOWED_HOSTS = _required("YUNLIAN_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(",")


def _database(url: str, **options: Any) -> dict[str, Any]:
    """Django's way of saying what a PostgreSQL address says."""
    parts = conninfo_to_dict(url)
    known = {"host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # a restarted server must not cost anybody a request
        "OPTIONS": PREPARED | {key: value for key, value in parts.items() if key not in known} | options,
        **{known[key]: str(value) for key, value in parts.items() if key in known},
    }


# Statements that ask for it are prepared on the server, no others; Django's own default forbids it to all. A PgBouncer in
# between must be 1.21 or later (reliability.md section 5).
PREPARED = {"prepare_threshold": 2**31 - 1}
ROLE = os.environ.get("YUNLIAN_ROLE", "")  # web, worker or chain; empty for commands
_kept_owner = "postgresql://yunlian_owner@127.0.0.1/yunlian" if ENVIRONMENT == "test" else ""
_app = _required("YUNLIAN_APP_DATABASE_URL", _kept().get("app", "postgresql://yunlian_app@127.0.0.1/yunlian"))
_owner = os.environ.get("YUNLIAN_OWNER_DATABASE_URL") or (
    _kept_owner if ROLE else _kept().get("owner", _kept_owner)
)
_options: dict[str, Any] = {}
if ROLE:
    _options["pool"] = {"min_size": 1, "max_size": int(os.environ.get("YUNLIAN_POOL", "8")), "timeout": 10}
if ROLE in ("worker", "chain"):
    # The role's own limits are for people who wait; an import or a batch of messages may take longer.
    _options["options"] = (
        "-c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
    )
DATABASES = {"default": _database(_app, **_options)}
if _owner:
    DATABASES["owner"] = _database(_owner)

INSTALLED_APPS = [
    "yunlian.kernel",
    "yunlian.org",
    "yunlian.masters",
    "yunlian.ledgers",
    "yunlian.documents.purchasing",
    "yunlian.documents.sales",
    "yunlian.documents.stock",
    "yunlian.documents.finance",
    "yunlian.chain",
    "yunlian.directory",
    "yunlian.edge",
]
# Where people come from; a sandbox plays these where an address is given.
SANDBOX_URL = os.environ.get("YUNLIAN_SANDBOX_URL", "").rstrip("/")
WECOM_URL = os.environ.get(
    "YUNLIAN_WECOM_URL", f"{SANDBOX_URL}/wecom" if SANDBOX_URL else "https://qyapi.weixin.qq.com"
)
DINGTALK_URL = os.environ.get("YUNLIAN_DINGTALK_URL", f"{SANDBOX_URL}/dingtalk" if SANDBOX_URL else "")
# Our app in DingTalk's marketplace, as one JSON object: key, secret, token, aes_key, path (the end of its callback address,
# /callback/<path>), vendor (our own corp) and its sso_secret. Without it, corps are connected by an app of their own.
DINGTALK_SUITE = json.loads(os.environ.get("YUNLIAN_DINGTALK_SUITE") or "null")
# Under which address the outside world, and so the platforms, reach us; without one, that of the request.
PUBLIC_URL = os.environ.get("YUNLIAN_PUBLIC_URL", "").rstrip("/")
# Who owns a document, and where: named here because the kernel knows no people.
MEMBER_MODEL = "org.Employee"
DEPARTMENT_MODEL = "org.Department"
# Every enterprise there is, for chores that visit them in turn.
ENTERPRISE_MODEL = "org.Enterprise"
# Who a request is from: the organisation's answer to the kernel.
GATE = "yunlian.org.gate.GATE"
# In production nothing is told to strangers, the description of the API included (ASVS 13.4.5).
DESCRIPTION_NEEDS = "user" if PRODUCTION else "public"
PASSWORD_HASHERS = ["yunlian.org.passwords.Argon2"]
# How codes are sent by SMS where an enterprise has no gateway of its own (org/sms_gateways): JSON with provider (aliyun or
# tencent), key, secret, signature, template, and for Tencent app_id. Without it there is no such way in.
SMS_GATEWAY = json.loads(os.environ.get("YUNLIAN_SMS_GATEWAY") or "null")
# The sandbox that plays both gateways instead of them.
SMS_URL = os.environ.get("YUNLIAN_SMS_URL", f"{SANDBOX_URL}/sms" if SANDBOX_URL else "").rstrip("/")

ROOT_URLCONF = "yunlian.edge.urls"
WSGI_APPLICATION = "yunlian.edge.wsgi.application"
MIDDLEWARE = [
    "yunlian.edge.guards.headers",
]
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024  # bytes; the largest spreadsheet taken

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("en", "English")]
LOCALE_PATHS = [ROOT / "yunlian" / "locale"]

if os.environ.get("YUNLIAN_PROXY") == "1":  # ours, with TLS; it overwrites these two headers
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    MIDDLEWARE.insert(0, "yunlian.edge.guards.behind_proxy")
LOGGING = logs.LOGGING
