"""A client that reconnects after lost connections and server restarts."""

import http.client
import json as jsonlib
import logging
import socket
import ssl
import threading
import time
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Optional, Union

from .backoff import Backoff, retry_after
from .http_connection import FinalResponse, parse, prepare, read_refusal, redirect
from .parser import Event, Parser

_log = logging.getLogger("aspire_sse")

_STABLE = 5.0  # seconds after which a connection counts as successful even without an event
_LONGEST = 86_400.0  # seconds; a day, because sockets and locks cannot wait for any length of time
_MAX_REDIRECTS = 10
_SAFE = ("GET", "HEAD", "OPTIONS", "QUERY")
_NOT_STARTED = (408, 425, 429, 503)  # statuses of a server that has not begun the work
_NO_SUCCESS = ("connected", "unauthorized")  # events of a server that cuts the connection at once, too


class HttpError(Exception):
    """The server refused the stream, and a retry would not help. See ``status`` and ``problem``.

    ``problem`` is what came of the body within a second, or says that a 200 has another content type.
    """

    def __init__(self, status: int, problem: str):
        super().__init__(f"HTTP {status}: {problem}")
        self.status = status
        self.problem = problem


class RetriesExhausted(Exception):
    """``max_retries`` reconnections in a row delivered no event."""


class StreamBroken(Exception):
    """A POST without event ids lost its answer, or its stream broke: a new request would repeat the work."""


class _NotSent(Exception):
    """The function for the headers failed."""


class _Unavailable(HttpError):
    """The server cannot answer now; ``after`` is its ``Retry-After`` in seconds, or 0."""

    def __init__(self, status: int, problem: str, after: float):
        super().__init__(status, problem)
        self.after = after


class SSEClient:
    """Reads a stream of server-sent events and resumes after the last id when the connection is lost.

    Iterate it, or set handlers with :meth:`on` and call :meth:`run`::

        for event in SSEClient("http://localhost:5080/v1/inventory/stream"):
            print(event.event, event.json())

    The iteration ends after a 204, at the end of a POST without event ids, after an event named in ``ends``, or after
    :meth:`close`, which any thread may call. Only one thread may read at a time.

    :param url: URL of the stream.
    :param json: Request body; makes the request a POST unless ``method`` is given. A POST without event ids is sent
        again only if the server cannot have begun its work: it was not reached, or answered 408, 425, 429 or 503. After
        a redirect to a GET it is not sent again.
    :param headers: Additional headers, or a function that returns them or None, called for each connection and once
        more after a 401: for a token that expires. An exception in it counts as a failed attempt. Redirects to another
        origin drop them all, and the stream's own last id replaces a ``Last-Event-ID``.
    :param last_event_id: Id to resume after, as kept from :attr:`last_event_id` of an earlier client.
    :param ends: Names of events after which the client stops instead of reconnecting.
    :param idle_timeout: Seconds without any byte before a connection counts as lost; None for no limit. The server
        sends a heartbeat every 15 s.
    :param connect_timeout: Seconds until a connection is made; None for no limit.
    :param initial_delay: Longest wait in seconds before the first reconnection, unless the server sent ``retry:``. It
        doubles with each failure up to ``max_delay``. Each wait is random below that time. The server's ``retry:`` and
        ``Retry-After`` are the minimum, up to five minutes.
    :param max_retries: Maximum reconnections in a row without an event (``connected`` and ``unauthorized`` do not
        count) and without a connection of five seconds; None for no limit. With 0 the iteration ends with its only
        connection.
    :param max_event_chars: Characters of an event; a longer one raises ``EventTooLarge``.
    :param context: TLS settings, for example a private certificate authority or a client certificate.
    """

    def __init__(
        self,
        url: str,
        *,
        method: Optional[str] = None,
        json: Any = None,
        headers: Union[Mapping[str, str], Callable[[], Optional[Mapping[str, str]]], None] = None,
        last_event_id: str = "",
        ends: Collection[str] = (),
        idle_timeout: Optional[float] = 45,
        connect_timeout: Optional[float] = 15,
        initial_delay: float = 1,
        max_delay: float = 30,
        max_retries: Optional[int] = None,
        max_event_chars: int = 16 * 1024 * 1024,
        context: Optional[ssl.SSLContext] = None,
    ):
        for name, delay in ("initial_delay", initial_delay), ("max_delay", max_delay):
            if not 0 < delay <= _LONGEST:
                raise ValueError(f"{name} must be above zero, or the client would loop, and at most a day")
        for name, timeout in ("idle_timeout", idle_timeout), ("connect_timeout", connect_timeout):
            if timeout is not None and not 0 < timeout <= _LONGEST:
                raise ValueError(f"{name} must be above zero and at most a day, or None for no limit")
        self._url = parse(url)
        self._body = None if json is None else jsonlib.dumps(json).encode()
        self._method = (method or ("GET" if json is None else "POST")).upper()
        self._headers = headers if callable(headers) else dict(headers or {})
        self._ends = frozenset(ends)
        self._idle_timeout, self._connect_timeout = idle_timeout, connect_timeout
        self._backoff, self._max_retries = Backoff(initial_delay, max_delay), max_retries
        self._max_event_chars, self._context = max_event_chars, context
        self._handlers: Dict[str, List[Callable[[Event], None]]] = {}
        self._closed = threading.Event()
        self._socket: Optional[socket.socket] = None
        self._sent = False  # the latest attempt may have begun the work: the server may have its request
        self._redirected = False  # the latest attempt has begun the work: a redirect made it a GET
        self._opened_at: Optional[float] = None
        self.last_event_id = last_event_id
        """Id of the last event received. Store it to resume in another process."""

    def on(self, event: str, handler: Callable[[Event], None]) -> "SSEClient":
        """Calls ``handler`` for events of that name during :meth:`run`: ``message`` for unnamed ones, ``*`` for all."""
        self._handlers.setdefault(event, []).append(handler)
        return self

    def run(self) -> None:
        """Reads to the end and gives every event to its handlers."""
        for event in self:
            for name in dict.fromkeys((event.event, "*")):
                for handler in [*self._handlers.get(name, ())]:
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
            after, silent, taken = 0.0, False, False
            last: Optional[Exception] = None
            try:
                for event in self._connect():
                    if event.event not in _NO_SUCCESS:
                        failures = 0
                    taken = taken or _is_replaced(event)
                    yield event
                    if event.event in self._ends or self._closed.is_set():
                        return
                if self._closed.is_set() or self._max_retries == 0 or not self._may_resend():
                    return
            except _Unavailable as e:
                if (self._redirected or e.status not in _NOT_STARTED) and not self._may_resend():
                    raise HttpError(e.status, e.problem) from None
                last, after = e, e.after
            except _NotSent as e:
                last = e
            except (OSError, http.client.HTTPException) as e:
                if self._closed.is_set():
                    return
                if self._sent and not self._may_resend():
                    raise StreamBroken(str(e) or type(e).__name__) from e
                last, silent = e, isinstance(e, socket.timeout)
            if taken:
                raise HttpError(401, "Another connection uses the ticket. Each stream needs its own.") from last
            if self._opened_at and not silent and time.monotonic() - self._opened_at > _STABLE:
                failures = 0
            failures += 1
            reason = "the server ended the stream" if last is None else str(last) or type(last).__name__
            if self._max_retries is not None and failures > self._max_retries:
                message = f"{self._max_retries} reconnections in a row delivered no event. Last: {reason}"
                raise RetriesExhausted(message) from last
            delay = self._backoff.delay(failures, after)
            level = logging.DEBUG if last is None else logging.WARNING
            _log.log(level, "%s: %s; next attempt in %.1f s", self._url.netloc, reason, delay)
            self._closed.wait(delay)

    def _may_resend(self) -> bool:
        return bool(self.last_event_id) or self._method in _SAFE

    def _connect(self) -> Iterator[Event]:
        """Reads one connection. After a 401 the function for the headers is called once more."""
        try:
            yield from self._attempt()
        except HttpError as e:
            begun = self._redirected and not self._may_resend()
            if e.status != 401 or not callable(self._headers) or begun:
                raise
        else:
            return
        yield from self._attempt()

    def _attempt(self) -> Iterator[Event]:
        self._sent, self._redirected, self._opened_at = False, False, None
        try:
            headers = (self._headers() or {}) if callable(self._headers) else self._headers
        except Exception as e:
            raise _NotSent(f"the function for the headers failed: {e}") from e
        url, method, body = self._url, self._method, self._body
        for hops in range(_MAX_REDIRECTS, -1, -1):
            connection, path, for_proxy = prepare(url, self._connect_timeout, self._context)
            response: Optional[http.client.HTTPResponse] = None
            try:
                response = self._request(connection, method, path, body, {**headers, **for_proxy})
                if response is None:
                    return
                target = redirect(url, response.status, response.headers.get("Location")) if hops > 0 else None
                if target is None:
                    if not self._check(response):
                        self._closed.set()
                        return
                    self._opened_at = time.monotonic()
                    yield from self._read(response)
                    return
                # A redirect that is not 307 or 308 changes the method (Fetch standard, HTTP-redirect fetch).
                if response.status == 303 and method != "HEAD" or response.status in (301, 302) and method == "POST":
                    self._redirected = self._redirected or method not in _SAFE
                    method, body = "GET", None
                # Any of the caller's headers may be a key, such as X-Api-Key.
                if (target.scheme, target.netloc) != (url.scheme, url.netloc):
                    headers = {}
                url = target
            finally:
                self._socket = None
                if response is not None:
                    response.close()
                connection.close()

    def _request(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Optional[bytes],
        headers: Mapping[str, str],
    ) -> Optional[http.client.HTTPResponse]:
        sent: Dict[str, Any] = {"accept": "text/event-stream", "cache-control": "no-cache"}
        sent.update({name.lower(): value for name, value in headers.items()})
        if body is not None:
            sent["content-type"] = "application/json"
        if self.last_event_id:
            # The caller's own is only the start.
            sent["last-event-id"] = self.last_event_id.encode()  # http.client sends text as Latin-1
        self._sent = self._redirected
        connection.response_class = FinalResponse
        connection.connect()
        # http.client drops its reference to the socket after a `Connection: close`.
        self._socket = connection.sock
        self._socket.settimeout(self._idle_timeout)
        if self._closed.is_set():
            return None
        self._sent = True
        connection.request(method, path, body, sent)
        return connection.getresponse()

    def _read(self, response: http.client.HTTPResponse) -> Iterator[Event]:
        parser = Parser(self.last_event_id, self._max_event_chars)
        while True:
            chunk = response.read1(65536)
            if not chunk:
                # Some proxies make a whole body of one that broke.
                if parser.is_within_event:
                    raise http.client.HTTPException("the stream ended within an event")
                return
            for event in parser.feed(chunk):
                self.last_event_id = event.id
                if not _is_position(event):
                    yield event
            self.last_event_id = parser.last_event_id
            if parser.retry is not None:
                self._backoff.retry = parser.retry / 1000

    def _check(self, response: http.client.HTTPResponse) -> bool:
        """Returns True for a stream and False for its end (204); raises otherwise."""
        if response.status == 204:
            return False
        if response.status == 200 and response.headers.get_content_type() == "text/event-stream":
            return True
        if response.status == 200:
            content_type = response.headers.get("Content-Type", "")
            raise HttpError(200, f"the content type is {content_type!r}, not text/event-stream")
        assert self._socket is not None
        problem = read_refusal(response, self._socket)
        if response.status in (408, 425, 429) or response.status >= 500:
            raise _Unavailable(response.status, problem, retry_after(response.headers.get("Retry-After", "")))
        raise HttpError(response.status, problem)


def _is_position(event: Event) -> bool:
    """True if the server only tells where the stream is."""
    return (event.event, event.data) in (("begin", '{"type":"begin"}'), ("position", "{}"))


def _is_replaced(event: Event) -> bool:
    """Returns True if another connection has taken over the ticket: to use it again would end that one."""
    if event.event != "unauthorized":
        return False
    try:
        data = event.json()
    except ValueError:
        return False
    return isinstance(data, dict) and data.get("reason") == "replaced"
