"""The console's files, from memory: the bundle is small, its names carry digests, and a page is one of them.

Every address that is neither the API nor a file is the console's own, so it gets the page. Nothing is read from
disk by a name that came with a request.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from yunlian.edge.place import ROOT

FOLDER = ROOT / "console" / "dist"
COMPRESSED = ("text/", "application/javascript", "application/json", "image/svg")
# Not merely a dot: /purchase.order is an address of the console.
FILES = (".js", ".css", ".map", ".ico", ".png", ".jpg", ".svg", ".txt", ".json", ".webmanifest", ".woff2")
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class File:
    """One file of the bundle, plain and compressed."""

    kind: str
    body: bytes
    gzipped: bytes | None
    tag: str
    caching: str


@cache
def files() -> dict[str, File]:
    """Every file by its address without the leading slash. Restart the server after a build."""
    found = {}
    for path in FOLDER.rglob("*"):
        if path.is_file():
            name = path.relative_to(FOLDER).as_posix()
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            kind = "text/javascript" if kind.endswith("javascript") else kind
            body = path.read_bytes()
            found[name] = File(
                kind=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
                body=body,
                gzipped=gzip.compress(body, 6, mtime=0)
                if kind.startswith(COMPRESSED) and len(body) > 1000
                else None,
                tag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
                caching=FOREVER if name.startswith("assets/") else "no-cache",
            )
    return found


def console(request: HttpRequest, name: str = "") -> HttpResponse:
    """Answer a file of the bundle, or the page for an address of the console's own."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    file = files().get(name)
    if file is None and name.endswith(FILES):
        return HttpResponse("not found", status=404, content_type="text/plain")
    file = file or files().get("index.html")
    if file is None:
        return HttpResponse(
            "The console is not built; `make run` builds it.", status=503, content_type="text/plain"
        )
    if request.headers.get("If-None-Match") == file.tag:
        answer = HttpResponse(status=304)
    elif file.gzipped and "gzip" in request.headers.get("Accept-Encoding", ""):
        answer = HttpResponse(file.gzipped, content_type=file.kind, headers={"Content-Encoding": "gzip"})
    else:
        answer = HttpResponse(file.body, content_type=file.kind)
    answer["ETag"] = file.tag
    answer["Cache-Control"] = file.caching
    answer["Vary"] = "Accept-Encoding"
    return answer
