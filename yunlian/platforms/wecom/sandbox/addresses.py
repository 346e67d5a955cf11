"""Addresses: the sandbox calls from this machine and is on it."""

from typing import Any

from .calls import Call, api


@api("GET", "getcallbackip")
@api("GET", "get_api_domain_ip")
def _here(_call: Call) -> dict[str, Any]:
    return {"ip_list": ["127.0.0.1"]}
