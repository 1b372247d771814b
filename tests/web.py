"""A web server of the tests' own, on this machine, with the faults that real ones have."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Page:
    """One address. cut: bytes after which the connection ends, once for each number. pause: seconds between blocks.

    ranges: whether a part can be asked for. length: whether the answer says how long it is.
    """

    data: bytes = b""
    status: int = 200
    etag: str = '"1"'
    location: str = ""
    cut: list[int] = field(default_factory=list)
    pause: float = 0.0
    ranges: bool = True
    length: bool = True
    claimed: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Web:
    """``pages`` by path, or by whole address where it is asked as a proxy; ``requests``: (path, headers) in order."""

    def __init__(self):
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.web = self
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="web", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers for the Web that its server belongs to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        web = self.server.web
        web.requests.append((self.path, dict(self.headers)))
        page = web.pages.get(self.path) or web.pages.get(urlsplit(self.path).path) or Page(b"no", 404)
        try:
            self._answer(page)
        except OSError:
            self.close_connection = True

    def _answer(self, page: Page) -> None:
        start = self._start(page)
        if start is not None and start >= len(page.data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(page.data)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        data = page.data[start or 0 :]
        self.send_response(206 if start is not None else page.status)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(page.data) - 1}/{len(page.data)}")
        for name, value in (("ETag", page.etag), ("Location", page.location), *page.headers.items()):
            if value:
                self.send_header(name, value)
        if page.length:
            self.send_header("Content-Length", str(len(data) if page.claimed is None else page.claimed))
        else:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self._send(page, data)

    def _start(self, page: Page) -> int | None:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", page.etag) == page.etag
        return int(wanted[1]) if wanted and page.ranges and same and page.status == 200 else None

    def _send(self, page: Page, data: bytes) -> None:
        cut = page.cut.pop(0) if page.cut else None
        data = data[:cut]
        step = 4096 if page.pause else max(1, len(data))
        for at in range(0, len(data), step):
            self.wfile.write(data[at : at + step])
            self.wfile.flush()
            time.sleep(page.pause)
        self.close_connection = self.close_connection or cut is not None

    def log_message(self, *_arguments):
        pass
