"""Plain JSON requests, to use beside a stream."""

import json
import urllib.error
import urllib.request
from typing import Any, Mapping, Optional


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows the redirects of requests that only read; the others would become a GET, and do nothing."""

    def redirect_request(self, req: Any, *args: Any) -> Optional[urllib.request.Request]:
        return super().redirect_request(req, *args) if req.get_method() in ("GET", "HEAD") else None


_opener = urllib.request.build_opener(_Redirects)


def request(
    method: str, url: str, body: Any = None, headers: Optional[Mapping[str, str]] = None, timeout: float = 30
) -> Any:
    """Sends a request and returns the JSON of the response, or ``None`` without a body.

    Raises ``urllib.error.HTTPError`` for 4xx and 5xx; its body is the problem details. It is raised for a redirect of
    other methods than GET and HEAD, too.
    """
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(
        url, data=data, method=method, headers={"Accept": "application/json", **(headers or {})}
    )
    if data is not None:
        sent.add_header("Content-Type", "application/json")
    with _opener.open(sent, timeout=timeout) as answer:
        content = answer.read()
    return json.loads(content) if content else None
