"""Plain JSON requests, to use beside a stream."""

import json
import urllib.error
import urllib.request
from typing import Any, Mapping, Optional
from urllib.parse import urlsplit


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows the redirects of requests that only read; the others would become a GET, and do nothing.

    Another origin gets none of the caller's headers, any of which may be a key.
    """

    def redirect_request(self, req: Any, *args: Any) -> Optional[urllib.request.Request]:
        target = super().redirect_request(req, *args) if req.get_method() in ("GET", "HEAD") else None
        if target is not None and _origin(target.full_url) != _origin(req.full_url):
            target.headers = {}
            target.add_header("Accept", _JSON)
        return target


def _origin(url: str) -> Any:
    return urlsplit(url)[:2]


_JSON = "application/json"
_opener = urllib.request.build_opener(_Redirects)


def request(
    method: str, url: str, body: Any = None, headers: Optional[Mapping[str, str]] = None, timeout: float = 30
) -> Any:
    """Sends a request and returns the JSON of the response, or ``None`` without a body.

    Raises ``urllib.error.HTTPError`` for 4xx and 5xx; its body is the problem details. It is raised for a redirect of
    other methods than GET and HEAD, too. Redirects to another origin drop ``headers``.
    """
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(
        url, data=data, method=method, headers={"Accept": _JSON, **(headers or {})}
    )
    if data is not None:
        sent.add_header("Content-Type", _JSON)
    with _opener.open(sent, timeout=timeout) as answer:
        content = answer.read()
    return json.loads(content) if content else None
