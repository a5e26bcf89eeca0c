"""Plain JSON requests, to use beside a stream."""

import json
import urllib.error
import urllib.request
from typing import Any, Mapping, Optional


def request(
    method: str, url: str, body: Any = None, headers: Optional[Mapping[str, str]] = None, timeout: float = 30
) -> Any:
    """Sends a request and returns the JSON of the response, or ``None`` without a body.

    Raises ``urllib.error.HTTPError`` for 4xx and 5xx; its body is the problem details.
    """
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(
        url, data=data, method=method, headers={"Accept": "application/json", **(headers or {})}
    )
    if data is not None:
        sent.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(sent, timeout=timeout) as answer:
        content = answer.read()
    return json.loads(content) if content else None
