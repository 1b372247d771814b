"""One HTTP transfer in a thread of its own, so that whoever waits for it can stop waiting at once."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import re
import threading
from pathlib import Path
from typing import Any, BinaryIO, Callable
from urllib.parse import urljoin, urlsplit

from zoo_gui import __version__
from zoo_gui.types import ZooError

log = logging.getLogger(__name__)
CONNECT_SECONDS, READ_SECONDS = 10.0, 20.0
CHUNK = 1 << 16
MAX_REDIRECTS = 6
ATTEMPTS = 5
"""Times in a row that a connection may be cut without a byte of progress."""
PAUSE = 0.5
"""Seconds before the second attempt; doubled each time."""
REASONS = {
    401: "wants to be signed in", 403: "refuses the file (HTTP 403)", 404: "has no such file (HTTP 404)",
    407: "is behind a proxy that wants to be signed in", 410: "has taken the file away (HTTP 410)",
    429: "has had too many requests (HTTP 429): try again later",
}  # fmt: skip


KNOWN_ERRORS = {
    "timed out": "no answer in time", "resolve": "its name is not known here",
    "IncompleteRead": "the connection was cut", "Remote": "the connection was closed",
}  # fmt: skip


class Unreachable(ZooError):
    """The network or the server is the reason that a file cannot be had."""


class _Cut(Exception):
    """The connection ended before the file did."""


class Transfer:
    """Fetches ``url`` into the file ``part``, resuming what is there.

    done, total: bytes so far and in all (0: unknown). failure: a ZooError once it ended without the file. sha256, etag:
    of the whole file, once it ended with it.
    """

    def __init__(self, url: str, part: Path, max_bytes: int, room: Callable[[Path, int], None]):
        """max_bytes: more is refused. room(part, bytes) raises ZooError where the disk has not so much room."""
        self.url, self.part = url, part
        self._state = part.with_name(part.name + ".json")
        self._max_bytes, self._room = max_bytes, room
        self.done = self.total = 0
        self.failure: ZooError | None = None
        self.sha256 = self.etag = ""
        self._digest: Any = None
        self._response: Any = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"zoo_gui download {part.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Until it ends, or for so long."""
        self._thread.join(seconds)

    def close(self) -> None:
        """End it; a blocked read is woken."""
        self._stopping.set()
        response = self._response
        if response is not None and self.running:
            with contextlib.suppress(Exception):  # of a connection that is just ending by itself
                response.raw.shutdown()
        if self._thread.ident is not None:
            self._thread.join(2.0)

    def forget(self) -> None:
        """Drop what is known of the part."""
        self._state.unlink(missing_ok=True)

    def _run(self) -> None:
        import requests

        try:
            with requests.Session() as session:
                session.headers.update({"User-Agent": f"zoo_gui/{__version__}", "Accept-Encoding": "identity"})
                self._attempt(session)
            if not self._stopping.is_set():
                self.sha256 = self._digest.hexdigest()
        except ZooError as error:
            self.failure = error
        except OSError as error:  # requests' errors were turned into sentences: this is the disk
            self.failure = self._disk_error(error)
        except Exception as error:
            log.exception("the download of %s failed", self.url)
            self.failure = Unreachable(f"{self.url} cannot be fetched ({type(error).__name__}: {error}).")

    def _attempt(self, session: Any) -> None:
        """Until the file is whole, as long as there is progress."""
        failures = 0
        while not self._stopping.is_set():
            before = self.done
            try:
                self._request(session)
                return
            except _Cut as error:
                failures = 1 if self.done > before else failures + 1
                if failures >= ATTEMPTS:
                    raise Unreachable(
                        f"{self._host} keeps breaking off at {self.done / 1e6:.1f} MB of {self.part.stem} ({error}): "
                        "try again later, what came is kept."
                    ) from error
                self._stopping.wait(PAUSE * 2 ** (failures - 1))

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or self.url

    def _request(self, session: Any) -> None:
        """One request for what is missing, and its answer. Raises _Cut where another one may help."""
        start, headers = self._resumable()
        with self._answer(session, headers) as response:
            self._response = response
            if response.status_code == 416 and start:  # the part is whole, or of another file
                if _range_total(response) == start:
                    self.done = self.total = start
                    return
                self._restart()
                raise _Cut("the part did not fit")
            if response.status_code not in (200, 206):
                raise self._refusal(response.status_code)
            resumed = response.status_code == 206 and _range_start(response) == start
            if response.status_code == 206 and not resumed:
                self._restart()
                raise _Cut("another range than asked for")
            self._receive(response, start if resumed else 0)

    def _resumable(self) -> tuple[int, dict[str, str]]:
        """Bytes that are there already and the headers that ask for the rest, (0, {}) without a part to trust."""
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            size, tag = self.part.stat().st_size, str(state["validator"])
            fits = state["url"] == self.url and size <= self._max_bytes and tag
        except (OSError, ValueError, KeyError, TypeError):
            fits = False
        if not fits or size == 0:
            return 0, {}
        if self._digest is None or self.done != size:
            self._digest = hashlib.sha256()
            with self.part.open("rb") as file:
                while block := file.read(1 << 20):
                    self._digest.update(block)
        self.done, self.total = size, int(state.get("total") or 0)
        return size, {"Range": f"bytes={size}-", "If-Range": tag}

    def _restart(self) -> None:
        self._state.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)
        self.done = 0

    def _answer(self, session: Any, headers: dict[str, str]) -> Any:
        """The response after redirects, which must not lead from https to http, nor carry a token to another host."""
        import requests

        url, token = self.url, _hub_headers(self.url)
        for _ in range(MAX_REDIRECTS):
            try:
                response = session.get(url, headers={**token, **headers}, stream=True, allow_redirects=False,
                                       timeout=(CONNECT_SECONDS, READ_SECONDS))  # fmt: skip
            except requests.exceptions.RequestException as error:
                self._raise(error)
            if not response.is_redirect:
                return response
            response.close()
            target = urljoin(url, response.headers["location"])
            old, new = urlsplit(url), urlsplit(target)
            if new.scheme not in ("http", "https") or (old.scheme, new.scheme) == ("https", "http"):
                raise Unreachable(f"{self._host} leads to {target[:200]}, which is no https address: it is refused.")
            token = token if old.hostname == new.hostname else {}
            url = target
        raise Unreachable(f"{self._host} sends {self.part.stem} from one address to the next without an end.")

    def _raise(self, error: Exception) -> None:
        """_Cut where another attempt may help, else the sentence for an error of requests."""
        import requests

        kinds = requests.exceptions
        text = str(error)
        if isinstance(error, kinds.ProxyError):
            raise Unreachable(
                f"The proxy for {self._host} does not answer as it should ({_short(text)}): look at HTTPS_PROXY."
            ) from error
        if isinstance(error, kinds.SSLError):
            raise Unreachable(
                f"The certificate of {self._host} is not trusted ({_short(text)}): behind a proxy that looks into "
                "connections, name its certificates in REQUESTS_CA_BUNDLE."
            ) from error
        if isinstance(error, (kinds.InvalidURL, kinds.InvalidSchema, kinds.MissingSchema)):
            raise ZooError(f"“{self.url[:200]}” is not an address that can be fetched.") from error
        refused = isinstance(error, kinds.ConnectTimeout) or "NewConnection" in text or "resolve" in text
        if self.done == 0 and refused:
            raise Unreachable(
                f"{self._host} cannot be reached ({_short(text)}): is this machine online? It may need a proxy "
                "(HTTPS_PROXY) or a mirror (ZOO_GUI_MIRROR)."
            ) from error
        raise _Cut(_short(text)) from error

    def _refusal(self, status: int) -> ZooError:
        return Unreachable(f"{self._host} {REASONS.get(status, f'answers HTTP {status}')}: {self.url}")

    def _receive(self, response: Any, start: int) -> None:
        packed = response.headers.get("content-encoding", "identity") != "identity"  # though it was not asked for
        length = 0 if packed else int(response.headers.get("content-length") or 0)
        self.total = start + length if length else 0
        if self.total > self._max_bytes:
            limit = self._max_bytes >> 20
            raise ZooError(f"{self.url} is {self.total >> 20} MiB, where {limit} MiB is the limit: it is no agent.")
        self._room(self.part, length)
        self.etag = response.headers.get("etag", "")
        strong = self.etag if self.etag.startswith('"') else response.headers.get("last-modified", "")
        if start == 0:
            self._digest, self.done = hashlib.sha256(), 0
        state = {"url": self.url, "validator": "" if packed else strong, "total": self.total}
        with self.part.open("ab" if start else "wb") as file:
            self._state.write_text(json.dumps(state), encoding="utf-8")
            self._copy(response, file)
        if self._stopping.is_set():
            return
        if length and self.done < self.total:
            raise _Cut("the connection was cut")
        if self.done == 0:
            raise Unreachable(f"{self.url} is empty.")
        self.total = self.done

    def _copy(self, response: Any, file: BinaryIO) -> None:
        """What comes, as it comes: of a connection that is cut nothing is lost. Raises _Cut."""
        import urllib3

        try:
            while not self._stopping.is_set() and (block := response.raw.read1(CHUNK, decode_content=True)):
                if self.done + len(block) > self._max_bytes:
                    raise ZooError(f"{self.url} does not end within {self._max_bytes >> 20} MiB: it is no agent.")
                file.write(block)
                self._digest.update(block)
                self.done += len(block)
        except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
            if not self._stopping.is_set():
                raise _Cut(_short(str(error))) from error
        except (AttributeError, ValueError):  # what urllib3 gives for a socket that close() has shut down
            if not self._stopping.is_set():
                raise

    def _disk_error(self, error: OSError) -> ZooError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return ZooError(
                f"The disk is full: {self.part.stem} was broken off at {self.done / 1e6:.1f} MB; make room, or set "
                "ZOO_GUI_CACHE to another disk."
            )
        return ZooError(f"{self.part} cannot be written: {error.strerror or error}.")


def _hub_headers(url: str) -> dict[str, str]:
    """The person's Hugging Face token, for that host alone, where huggingface_hub is installed and has one."""
    if urlsplit(url).hostname != "huggingface.co" or urlsplit(url).scheme != "https":
        return {}
    try:
        from huggingface_hub.utils import build_hf_headers
    except ImportError:
        return {}
    return {key: value for key, value in build_hf_headers().items() if key.lower() == "authorization"}


def _range_start(response: Any) -> int:
    found = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return int(found[1]) if found else -1


def _range_total(response: Any) -> int:
    found = re.search(r"/(\d+)$", response.headers.get("content-range", ""))
    return int(found[1]) if found else -1


def _short(text: str) -> str:
    """The essence of an error of requests, which quotes objects' addresses."""
    inner = re.search(r"\[Errno [^\]]*\] ([^'\")]+)", text)
    if inner:
        return inner[1].strip()
    for sign, words in KNOWN_ERRORS.items():
        if sign in text:
            return words
    return re.sub(r"<[^>]*>|\s+", " ", text)[:120].strip()
