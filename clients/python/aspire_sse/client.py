"""A client that reconnects after lost connections and server restarts."""

import http.client
import json as jsonlib
import random
import socket
import threading
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Optional
from urllib.parse import urlsplit

from .parser import Event, Parser


class HttpError(Exception):
    """The server refused the stream, and a retry would not help. See ``status`` and ``problem`` (the body)."""

    def __init__(self, status: int, problem: str):
        super().__init__(f"HTTP {status}: {problem}")
        self.status = status
        self.problem = problem


class RetriesExhausted(Exception):
    """``max_retries`` reconnections in a row delivered no event."""


class StreamBroken(Exception):
    """A stream without ids broke: it cannot be resumed, and a new request would repeat the work."""


class _Unavailable(Exception):
    """The server cannot answer now; ``after`` is its ``Retry-After`` in seconds, or None."""

    def __init__(self, reason: str, after: Optional[float] = None):
        super().__init__(reason)
        self.after = after


class SSEClient:
    """Reads a stream of server-sent events and resumes after the last id when the connection is lost.

    Iterate it, or set handlers with :meth:`on` and call :meth:`run`::

        for event in SSEClient("http://localhost:5080/v1/inventory/stream"):
            print(event.event, event.json())

    The iteration ends after a 204, at the end of a stream without ids, after an event named in ``ends``, or after
    :meth:`close`, which any thread may call. Only one thread may read at a time.

    :param url: URL of the stream.
    :param json: Request body; makes the request a POST unless ``method`` is given.
    :param last_event_id: Id to resume after, as kept from :attr:`last_event_id` of an earlier client.
    :param ends: Names of events after which the client stops instead of reconnecting.
    :param idle_timeout: Seconds without any byte before a connection counts as lost. The server sends a heartbeat every
        15 s.
    :param initial_delay: Longest wait in seconds before the first reconnection, unless the server sent ``retry:``. It
        doubles with each failure up to ``max_delay``. Each wait is random within the upper half of that time.
    :param max_retries: Maximum reconnections in a row without an event; None for no limit.
    """

    def __init__(
        self,
        url: str,
        *,
        method: Optional[str] = None,
        json: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        last_event_id: str = "",
        ends: Collection[str] = (),
        idle_timeout: float = 45,
        connect_timeout: float = 10,
        initial_delay: float = 1,
        max_delay: float = 30,
        max_retries: Optional[int] = None,
    ):
        self._url = urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise ValueError(f"not an http or https URL: {url!r}")
        self._body = None if json is None else jsonlib.dumps(json).encode()
        self._method = method or ("GET" if json is None else "POST")
        self._headers = dict(headers or {})
        self._ends = frozenset(ends)
        self._idle_timeout, self._connect_timeout = idle_timeout, connect_timeout
        self._initial_delay, self._max_delay, self._max_retries = initial_delay, max_delay, max_retries
        self._handlers: Dict[str, List[Callable[[Event], None]]] = {}
        self._closed = threading.Event()
        self._socket: Optional[socket.socket] = None
        self._retry: Optional[float] = None
        self._opened = False
        self.last_event_id = last_event_id
        """Id of the last event received. Store it to resume in another process."""

    def on(self, event: str, handler: Callable[[Event], None]) -> "SSEClient":
        """Calls ``handler`` for events of that name during :meth:`run`: ``message`` for unnamed ones, ``*`` for all."""
        self._handlers.setdefault(event, []).append(handler)
        return self

    def run(self) -> None:
        """Reads to the end and gives every event to its handlers."""
        for event in self:
            for handler in [*self._handlers.get(event.event, ()), *self._handlers.get("*", ())]:
                handler(event)

    def close(self) -> None:
        """Ends the iteration. May be called from any thread, also while it waits."""
        self._closed.set()
        sock = self._socket
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __iter__(self) -> Iterator[Event]:
        failures = 0
        while not self._closed.is_set():
            after: Optional[float] = None
            try:
                for event in self._connect():
                    failures = 0
                    yield event
                    if event.event in self._ends or self._closed.is_set():
                        return
                if not self.last_event_id:
                    return
            except _Unavailable as e:
                after = e.after
            except (OSError, http.client.HTTPException) as e:
                if self._closed.is_set():
                    return
                if self._opened and not self.last_event_id:
                    raise StreamBroken(str(e) or type(e).__name__) from e
            failures += 1
            if self._max_retries is not None and failures > self._max_retries:
                raise RetriesExhausted(f"{failures} connections in a row delivered no event")
            self._closed.wait(self._delay(failures, after))

    def _delay(self, failures: int, after: Optional[float]) -> float:
        if after is not None:
            return after + random.uniform(0, 1)
        base = self._retry if self._retry is not None else self._initial_delay
        longest = min(max(self._max_delay, base), base * 2 ** min(failures - 1, 30))
        return random.uniform(longest / 2, longest)

    def _connect(self) -> Iterator[Event]:
        self._opened = False
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._connect_timeout)
        response: Optional[http.client.HTTPResponse] = None
        try:
            headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache", **self._headers}
            if self._body is not None:
                headers["Content-Type"] = "application/json"
            if self.last_event_id:
                headers["Last-Event-ID"] = self.last_event_id
            path = (self._url.path or "/") + ("?" + self._url.query if self._url.query else "")
            connection.request(self._method, path, self._body, headers)
            # http.client drops its reference to the socket after a `Connection: close`.
            self._socket = connection.sock
            self._socket.settimeout(self._idle_timeout)
            if self._closed.is_set():
                return
            response = connection.getresponse()
            if not self._check(response):
                self._closed.set()
                return
            self._opened = True
            yield from self._read(response)
        finally:
            self._socket = None
            if response is not None:
                response.close()
            connection.close()

    def _read(self, response: http.client.HTTPResponse) -> Iterator[Event]:
        parser = Parser(self.last_event_id)
        while True:
            chunk = response.read1(65536)
            if not chunk:
                return
            for event in parser.feed(chunk):
                self.last_event_id = event.id
                yield event
            self.last_event_id = parser.last_event_id
            if parser.retry is not None:
                self._retry = parser.retry / 1000

    @staticmethod
    def _check(response: http.client.HTTPResponse) -> bool:
        """Returns True for a stream and False for its end (204); raises otherwise."""
        if response.status == 204:
            return False
        if response.status == 200 and response.headers.get_content_type() == "text/event-stream":
            return True
        problem = response.read(65536).decode("utf-8", "replace")
        if response.status in (408, 429) or response.status >= 500:
            after = response.headers.get("Retry-After", "")
            raise _Unavailable(f"HTTP {response.status}", float(after) if after.isdigit() else None)
        raise HttpError(response.status, problem)
