"""Opens HTTP connections (URLs beyond ASCII, TLS, the proxies of the environment) and reads refusals."""

import base64
import http.client
import socket
import ssl
import string
import time
from typing import Dict, Optional, Tuple
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

_MAX_REFUSAL = 65536  # bytes
_MAX_REFUSAL_TIME = 1.0  # seconds


class FinalResponse(http.client.HTTPResponse):
    """The response after interim ones, such as 103 Early Hints (RFC 9110, 15.2)."""

    def begin(self) -> None:
        super().begin()
        while 102 <= self.status < 200:
            self.headers = None  # type: ignore[assignment] # or begin() takes the response for read
            super().begin()


def read_refusal(response: http.client.HTTPResponse, sock: socket.socket) -> str:
    """Returns what comes of a body within a second: it may have no end."""
    body, end = b"", time.monotonic() + _MAX_REFUSAL_TIME
    try:
        while len(body) < _MAX_REFUSAL:
            sock.settimeout(max(end - time.monotonic(), 0.001))
            chunk = response.read1(_MAX_REFUSAL - len(body))
            if not chunk:
                break
            body += chunk
    except (OSError, http.client.HTTPException):
        pass  # the status decides
    return body.decode("utf-8", "replace")


def parse(url: str) -> SplitResult:
    """Splits the URL of a stream; spaces and characters beyond ASCII are percent-encoded.

    Raises ``ValueError`` if it is not an http or https URL, or contains a user name.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http or https URL: {url!r}")
    if parts.username is not None:
        raise ValueError("the URL contains a user name: send it as an Authorization header")
    path, query = (quote(part, safe=string.punctuation) for part in (parts.path, parts.query))
    return parts._replace(path=path, query=query, fragment="")


def redirect(url: SplitResult, status: int, location: Optional[str]) -> Optional[SplitResult]:
    """Returns the target of a redirect; None for other responses, which includes a redirect from https to http."""
    if status not in (301, 302, 303, 307, 308) or not location:
        return None
    # http.client decodes headers as Latin-1; the bytes of a path beyond ASCII are percent-encoded again.
    target = urlsplit(urljoin(url.geturl(), quote(location, safe=string.punctuation, encoding="iso-8859-1")))
    downgrade = url.scheme == "https" and target.scheme != "https"
    return None if downgrade or target.scheme not in ("http", "https") or not target.hostname else target


def prepare(
    url: SplitResult, timeout: Optional[float], context: Optional[ssl.SSLContext]
) -> Tuple[http.client.HTTPConnection, str, Dict[str, str]]:
    """Returns an unopened connection, the target of its request, and headers for its proxy.

    The proxy is that of ``HTTP_PROXY`` or ``HTTPS_PROXY``, unless ``NO_PROXY`` excludes the host.
    """
    target = (url.path or "/") + ("?" + url.query if url.query else "")
    proxy = None if proxy_bypass(url.netloc) else getproxies().get(url.scheme)
    if not proxy:
        host = url.hostname or ""
        if url.scheme == "https":
            return http.client.HTTPSConnection(host, url.port, timeout=timeout, context=context), target, {}
        return http.client.HTTPConnection(host, url.port, timeout=timeout), target, {}
    via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    headers = {}
    if via.username is not None:
        secret = f"{unquote(via.username)}:{unquote(via.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(secret).decode()}"
    host, port = via.hostname or "", via.port or 80
    if url.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout), url.geturl(), headers
    tunnel = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    tunnel.set_tunnel(url.hostname or "", url.port, headers)
    return tunnel, target, {}
