"""A server of one page and of the numbers on it, for few browsers, that nothing waits for.

Numbers are server-sent events: a browser that comes gets the newest ones, and later ones as they
come; one that is slow misses some. Each browser has a thread of its own, which gives up on it when
it takes nothing for `TIMEOUT` seconds.
"""

import errno
import hmac
import ipaddress
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

TIMEOUT = 10.0  # seconds for a browser to ask, or to take what it asked for
MOST_CONNECTIONS = 32
SHORTEST_TOKEN = 16  # of an address that others can reach
PING = 5.0  # seconds without news after which a browser is shown that all is well


class Address(NamedTuple):
    """Where a page is served, and the token that its address must hold."""

    host: str
    port: int
    token: str

    @classmethod
    def of(cls, text: str, token: str | None = None) -> "Address":
        """Read ``HOST:PORT``.

        Parameters
        ----------
        text : str
            Port 0 is any free one. An IPv6 address stands in brackets.
        token : str, optional
            By default one is made up.

        Raises
        ------
        ValueError
            The text is something else, or others could reach the address and there is no token.

        Examples
        --------
        >>> Address.of("127.0.0.1:8765", token="secret")
        Address(host='127.0.0.1', port=8765, token='secret')
        """
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (colon and host and port.isdecimal() and int(port) < 65536):
            raise ValueError(f"found {text!r}, expected HOST:PORT, such as 127.0.0.1:8765")
        if not _is_loopback(host) and (token is None or len(token) < SHORTEST_TOKEN):
            raise ValueError(
                f"found the address {host}, which others can reach, and "
                f"{'no token' if token is None else 'a short token'}, expected a token of at least "
                f"{SHORTEST_TOKEN} characters; pass one, or use 127.0.0.1"
            )
        return cls(host, int(port), secrets.token_urlsafe(16) if token is None else token)


class Server:
    """A page behind a token, served by threads of its own until it is closed.

    Parameters
    ----------
    address : Address
    page : bytes
        HTML.

    Raises
    ------
    OSError
        The address is in use, or none of this machine.
    """

    def __init__(self, address: Address, page: bytes):
        self._news = threading.Condition()
        self._event, self._number, self._closed = b"", 0, False
        self.n_waiting = 0  # browsers that take events
        self._page, self._token = page, address.token
        try:
            self._server = _Http((address.host, address.port), self)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"({error.strerror})"
            raise OSError(
                f"cannot serve a page at {address.host}:{address.port}, which {reason}; expected a "
                "free port of this machine; pass another, or 0 for any"
            ) from error
        host = f"[{address.host}]" if ":" in address.host else address.host
        port = self._server.server_address[1]
        self.url = f"http://{host}:{port}/?token={quote(address.token, safe='')}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def send(self, data: str) -> None:
        """Replace what browsers are shown by JSON of one line; they are waited for by nobody."""
        with self._news:
            self._event, self._number = f"data: {data}\n\n".encode(), self._number + 1
            self._news.notify_all()

    def close(self) -> None:
        """Take no more requests; browsers that are there get what was sent last."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # --- what requests are answered with, each in its own thread ----------------------------------

    def allows(self, token: str) -> bool:
        """Whether a request holds the token."""
        return hmac.compare_digest(token.encode(), self._token.encode())

    @property
    def page(self) -> bytes:
        """HTML of the page."""
        return self._page

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count a browser that takes events."""
        with self._news:
            self.n_waiting += 1
        try:
            yield
        finally:
            with self._news:
                self.n_waiting -= 1

    def newer_than(self, number: int) -> tuple[bytes, int, bool]:
        """Wait for an event newer than one; return it, its number, and whether it was the last."""
        with self._news:
            self._news.wait_for(lambda: self._number > number or self._closed, PING)
            event = self._event if self._number > number else b": ping\n\n"
            return event, self._number, self._closed


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a browser that hangs keeps no stream from ending

    def __init__(self, address: tuple[str, int], owner: Server):
        self.owner = owner
        self._free = threading.Semaphore(MOST_CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, without a look-up of the machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, unless there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a browser that has gone away."""


class _Handler(BaseHTTPRequestHandler):
    timeout = TIMEOUT
    server: _Http
    server_version, sys_version = "tsrnn", ""

    def do_GET(self) -> None:
        """Answer with the page, or with events for as long as they are taken."""
        parts = urlsplit(self.path)
        token = parse_qs(parts.query).get("token", [""])[0]
        if not self.server.owner.allows(token):
            self._answer(HTTPStatus.FORBIDDEN, b"The address lacks its token.\n", "text/plain")
        elif parts.path == "/":
            self._answer(HTTPStatus.OK, self.server.owner.page, "text/html; charset=utf-8")
        elif parts.path == "/events":
            self._events()
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"Nothing is here.\n", "text/plain")

    def _head(self, status: HTTPStatus, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")  # the address holds the token
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self._head(status, kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _events(self) -> None:
        self._head(HTTPStatus.OK, "text/event-stream")
        self.end_headers()
        number, last, owner = 0, False, self.server.owner
        with owner.waiting():
            while not last:
                event, number, last = owner.newer_than(number)
                self.wfile.write(event)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
