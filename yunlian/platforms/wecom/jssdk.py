"""Signatures for WeCom's JS-SDK. Source: developer.work.weixin.qq.com, JS-SDK 签名算法."""

import hashlib

from .client import Client


def page_signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """What `wx.config` and `agentConfig` want; `url` is the page's as it sees itself, the part after # is left out."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode()).hexdigest()


def corp_ticket(client: Client) -> str:
    """The ticket for `wx.config` and `ww.register`, kept like a token."""
    return client.ticket("jsapi", "get_jsapi_ticket")


def app_ticket(client: Client) -> str:
    """The ticket for `agentConfig`; the corp's does not do there (42012)."""
    return client.ticket("agent", "ticket/get", type="agent_config")
