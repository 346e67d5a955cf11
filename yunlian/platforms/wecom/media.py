"""Files at WeCom, kept for three days and shared inside the corp. Source: developer.work.weixin.qq.com, 素材管理."""

from typing import Literal

from .client import Client

Kind = Literal["image", "voice", "video", "file"]


def upload(client: Client, kind: Kind, filename: str, content: bytes) -> str:
    """Upload more than 5 bytes; at most 10 MB as image or video, 2 MB as voice, 20 MB as file. Gives the media id."""
    return str(client.upload("media/upload", kind, filename, content)["media_id"])
