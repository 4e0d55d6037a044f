"""Who may ask: pages of this server, and, beyond this machine, who has the token."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_VARIABLE = "MMCTL_SERVE_TOKEN"
LOGIN, UPLOADS = "/api/login", "/api/uploads"
MOST_BYTES = 64 * 2**20
"""Of a folder of crops."""

_MOST_WORDS = 2**16  # of any other request: also who has no token may send one, to log in

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}", re.ASCII)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src "
    "'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def is_this_machine(host: str) -> bool:
    """Return whether an address is reached from this machine alone.

    Example:
        >>> is_this_machine("127.0.0.1"), is_this_machine("::1"), is_this_machine("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def choose_token(host: str, given: str | None) -> str | None:
    """Return the token that is asked for: the given one, else, beyond this machine, a new one.

    Args:
        host: Address that is bound to.
        given: A token of the user's; None or '': none.

    Raises:
        ValueError: If it is easily guessed.
    """
    if given:
        if not _TOKEN.fullmatch(given):
            raise ValueError(
                f"{TOKEN_VARIABLE} must be 16 to 256 letters, digits, - and _, because whoever "
                f"guesses it sees the gallery, got {len(given)} characters"
            )
        return given
    return None if is_this_machine(host) else secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Access:
    """The rule.

    Attributes:
        host: Address that is bound to.
        port: Its port.
        token: What whoever asks must know; None: nothing, on this machine alone.
        session: What a browser that knew it is given as a cookie.
    """

    host: str
    port: int
    token: str | None = None
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def __post_init__(self) -> None:
        if self.token is None and not is_this_machine(self.host):
            raise ValueError(f"an address beyond this machine must have a token, got {self.host}")

    @property
    def cookie(self) -> str:
        """Name of the cookie: browsers tell servers of one host apart by it."""
        return f"gallery_{self.port}"

    @property
    def address(self) -> str:
        """Where a browser finds the page; the token is behind ``#``, which no log has."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/" + (f"#token={self.token}" if self.token else "")

    def knows(self, token: str) -> bool:
        """Return whether this is the token."""
        return self.token is None or hmac.compare_digest(token.encode(), self.token.encode())

    def refuse(self, request: Request) -> tuple[int, str] | None:
        """Return status and reason if a request is not answered, else None."""
        headers = request.headers
        host = headers.get("host", "")
        path = request.scope["path"]  # what is routed; a URL is made of the host's header, too
        is_data = path.startswith("/api/")
        if is_this_machine(self.host) and not self._is_own(host):
            # A foreign name that leads to this machine: a page of others asks (DNS rebinding).
            return 403, f"this server is {self.address.partition('#')[0]} alone, got host {host!r}"
        origin = headers.get("origin")
        is_foreign = origin is not None and origin.partition("://")[2] != host
        is_foreign |= is_data and headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if is_foreign:
            return 403, f"only pages of this server may ask it, got one of {origin!r}"
        if is_data and path != LOGIN and not self._is_known(request):
            return 401, "the token is missing or wrong: open the address that the server printed"
        return _check_length(request.method, path, headers)

    def _is_own(self, host: str) -> bool:
        names = {"localhost", "127.0.0.1", "[::1]", self.host}
        ports = {f":{self.port}"} | ({""} if self.port == 80 else set())
        return host in {name + port for name in names for port in ports}

    def _is_known(self, request: Request) -> bool:
        if self.token is None:
            return True
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        cookie = request.cookies.get(self.cookie, "")
        is_session = hmac.compare_digest(cookie.encode(), self.session.encode())
        return is_session or (kind == "Bearer" and self.knows(token))


def _check_length(method: str, path: str, headers: Headers) -> tuple[int, str] | None:
    if method in ("GET", "HEAD", "DELETE"):
        return None
    length = headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in headers:  # which counts instead
        return 411, "a request must say its length"
    most = MOST_BYTES if path == UPLOADS else _MOST_WORDS
    if int(length) > most:
        return 413, f"at most {most:,} bytes can be sent at once, got {int(length):,}"
    return None


class Gate:
    """Lets those pass that may, and tells browsers what pages of this server may do.

    Args:
        app: What answers.
        access: The rule.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        if scope["type"] != "http":  # the server's own start and end; there are no web sockets
            await self.app(scope, receive, send)
            return
        refusal = self.access.refuse(Request(scope))
        if refusal is None:
            await self.app(scope, receive, send_with_headers)
        else:
            answer = JSONResponse({"error": refusal[1]}, refusal[0])
            await answer(scope, receive, send_with_headers)
