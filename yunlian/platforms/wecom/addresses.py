"""Addresses of WeCom's own servers, for firewalls: who calls us, and whom we call. They change; ask again now and then.

Source: developer.work.weixin.qq.com, 获取企业微信接口IP段, 获取企业微信回调IP段.
"""

from .client import Client


def of_callbacks(client: Client) -> list[str]:
    """Where callbacks come from: addresses and ranges."""
    return list(client.get("getcallbackip")["ip_list"])


def of_api(client: Client) -> list[str]:
    """What our calls go to: addresses and ranges."""
    return list(client.get("get_api_domain_ip")["ip_list"])
