"""Who asks: a browser, known by a signed cookie of our own, behind an address that it may share with a lecture hall.

The cookie holds a random number and nothing else, ends with the browser's session and is read only where runs are counted. It can be
thrown away for a new one at any time: the bound on its address holds then.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import Response

COOKIE = "schedscope_client"
_ID_BYTES, _SECRET_BYTES = 12, 32


@dataclass(frozen=True, slots=True)
class Client:
    """`key` is whom the narrow bounds count; `address` whom the wide ones count, None where that is `key` itself."""

    key: str
    address: str | None = None


def address_key(host: str | None) -> str:
    """What counts as one address: an IPv4 address, or the /64 an IPv6 address is in."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class Clients:
    """Gives out cookies and knows them again."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def of(cls, data_dir: Path) -> Clients:
        """With the secret kept in the data directory, made where there is none: browsers stay known over a restart."""
        path = data_dir / "client.key"
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_bytes(secrets.token_bytes(_SECRET_BYTES))
            fresh.replace(path)
        return cls(path.read_bytes())

    def of_request(self, request: HTTPConnection) -> Client:
        """The browser behind its address; without a cookie of ours the address alone."""
        address = address_key(request.client.host if request.client else None)
        browser = self._known(request.cookies.get(COOKIE, ""))
        return Client(f"browser {browser}", address) if browser else Client(address)

    def remember(self, request: HTTPConnection, response: Response) -> None:
        """Give a browser that has none its cookie with this answer."""
        if self._known(request.cookies.get(COOKIE, "")):
            return
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, self._signed(secrets.token_urlsafe(_ID_BYTES)), httponly=True, samesite="lax", secure=secure
        )
        response.headers["Cache-Control"] = "private, no-cache"

    def _signed(self, browser: str) -> str:
        return f"{browser}.{hmac.new(self._secret, browser.encode(), hashlib.sha256).hexdigest()[:32]}"

    def _known(self, cookie: str) -> str | None:
        browser = cookie.rpartition(".")[0]
        return browser if browser and hmac.compare_digest(self._signed(browser).encode(), cookie.encode()) else None
