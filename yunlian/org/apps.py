"""The organisation as a Django app: its masters are declared in `declarations`, its routes in `api`."""

from typing import ClassVar

from django.apps import AppConfig
from typing_extensions import override


class OrgConfig(AppConfig):
    name = "yunlian.org"
    label = "org"
    default_auto_field = "django.db.models.BigAutoField"
    # Tables of no enterprise, by kind (reliability.md S7); every other one is a tenant's.
    TABLES: ClassVar[dict[str, str]] = {
        "Enterprise": "identity",
        "User": "identity",
        "Membership": "identity",
        "Identity": "identity",
        "Session": "identity",
        "HalfSignIn": "identity",
        "SignInFlow": "identity",
        "TextCode": "identity",
        "SecondFactor": "identity",
        "RecoveryCode": "identity",
        "AccountEvent": "identity",
        "Throttle": "installation",
        "Attempt": "installation",
    }

    @override
    def ready(self) -> None:
        from . import (  # noqa: F401 - declaring is what importing them does
            api,
            declarations,
            dingtalk_ways,
            me_api,
            sign_in_api,
            sms_gateways,
            wecom_ways,
        )
