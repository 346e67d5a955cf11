"""Signatures for WeCom's JS-SDK. Source: developer.work.weixin.qq.com, JS-SDK 签名算法."""

import hashlib


def page_signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """What `wx.config` and `agentConfig` want; `url` is the page's as it sees itself, the part after # is left out."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode()).hexdigest()
