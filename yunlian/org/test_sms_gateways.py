import pytest

from yunlian.kernel.models import Audit
from yunlian.kernel.scope import tenant

from . import sms_gateways
from .conftest import Browser, codes
from .models import SmsGateway

pytestmark = pytest.mark.usefixtures("clock")

PATH = "/api/org.sms_gateway/setup"
ALIYUN = {
    "provider": "aliyun",
    "key": "LTAI0001",
    "secret": "hidden-secret",
    "signature": "云链",
    "template": "SMS_1",
}
TENCENT = ALIYUN | {"provider": "tencent", "app_id": "1400000000"}


def test_an_enterprise_sets_up_its_own_and_its_secret_is_shown_to_nobody(acme):
    boss = Browser("boss")
    assert boss.get(PATH).json()["gateway"] is None
    response = boss.put(PATH, **ALIYUN)
    assert response.status_code == 200, response.content
    shown = response.json()
    assert (shown["gateway"]["key"], shown["gateway"]["signature"]) == ("LTAI0001", "云链")
    assert "hidden-secret" not in response.content.decode() + boss.get(PATH).content.decode()
    with tenant(acme.enterprise_id):
        kept = SmsGateway.objects.get()
        assert b"hidden-secret" not in bytes(kept.wrapped)
        assert "hidden-secret" not in str(list(Audit.objects.values_list("changes", flat=True)))
    assert {field["name"] for field in shown["guides"]["tencent"]} >= {"app_id", "secret"}


def test_a_blank_secret_stays_and_another_account_replaces(acme):
    boss = Browser("boss")
    boss.put(PATH, **ALIYUN)
    assert boss.put(PATH, **ALIYUN | {"secret": "", "signature": "云上"}).status_code == 200
    found = sms_gateways.find(acme.enterprise_id)
    assert (found.gateway.key_secret, found.template.signature) == ("hidden-secret", "云上")
    assert boss.put(PATH, **TENCENT).status_code == 200
    found = sms_gateways.find(acme.enterprise_id)
    assert (found.gateway.app_id, found.gateway.secret_key) == ("1400000000", "hidden-secret")
    assert found.template.variables == ("code",)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (ALIYUN | {"provider": "carrier"}, "provider"),
        (ALIYUN | {"secret": None}, "secret"),
        (ALIYUN | {"key": ""}, "key"),
        (TENCENT | {"app_id": None}, "app_id"),
        (ALIYUN | {"template": 7}, "template"),
        (ALIYUN | {"variable": "code minutes name"}, "variable"),
        (ALIYUN | {"signature": "a\nb"}, "signature"),
        (ALIYUN | {"base_url": "http://10.0.0.1"}, "base_url"),
    ],
)
def test_what_does_not_fit_is_refused(acme, body, field):
    response = Browser("boss").put(PATH, **body)
    assert response.status_code == 422
    assert field in [problem["field"] for problem in response.json()["problems"]]
    with tenant(acme.enterprise_id):
        assert not SmsGateway.objects.exists()


def test_ones_own_comes_first_then_the_installations_then_none(acme, other, settings):
    assert sms_gateways.find(acme.enterprise_id) is None
    settings.SMS_GATEWAY = ALIYUN | {"key": "installation"}
    assert sms_gateways.find(acme.enterprise_id).gateway.key_id == "installation"
    assert sms_gateways.find(None).gateway.key_id == "installation"
    boss = Browser("boss")
    boss.put(PATH, **ALIYUN)
    assert sms_gateways.find(acme.enterprise_id).gateway.key_id == "LTAI0001"
    assert sms_gateways.find(other.enterprise_id).gateway.key_id == "installation"
    boss.put(PATH, **ALIYUN | {"is_active": False})
    assert sms_gateways.find(acme.enterprise_id).gateway.key_id == "installation"


def test_a_sandbox_is_asked_where_one_is_named(acme, settings):
    settings.SMS_GATEWAY, settings.SMS_URL = ALIYUN, "http://127.0.0.1:1/sms"
    assert sms_gateways.find(None).gateway.base_url == "http://127.0.0.1:1/sms/aliyun"


def test_only_for_those_who_may(acme, hire):
    hire("finance", login="eve")
    eve = Browser("eve")
    assert eve.get(PATH).status_code == 403
    assert eve.put(PATH, **ALIYUN).status_code == 403
    assert eve.post("/api/org.sms_gateway/try", mobile="13800000001").status_code == 403
    assert codes(Browser("boss").post("/api/org.sms_gateway/try", mobile="13800000001")) == ["no_gateway"]
