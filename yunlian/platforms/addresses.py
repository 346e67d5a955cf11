"""Addresses of platforms, or of the sandbox that plays them."""

from urllib.parse import urlsplit


def origin(url: str) -> str:
    """Scheme, host and port: `http://127.0.0.1:8801` of `http://127.0.0.1:8801/dingtalk`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
