"""Parser of the event stream format (HTML Living Standard, 9.2.6)."""

import codecs
import json
from dataclasses import dataclass
from typing import Any, Iterator, List, Optional


@dataclass(frozen=True)
class Event:
    """One event. ``id`` is the last event id at dispatch; an event without an id inherits the previous one."""

    event: str
    data: str
    id: str

    def json(self) -> Any:
        """Parses the data as JSON. Raises ``ValueError`` if it is not JSON (a log line, ``[DONE]``)."""
        return json.loads(self.data)


class EventTooLarge(ValueError):
    """An event has more characters than ``max_event_chars``."""


class Parser:
    """Parses bytes in chunks that may be split anywhere: within a character, between CR and LF."""

    def __init__(self, last_event_id: str = "", max_event_chars: int = 16 * 1024 * 1024):
        self.last_event_id = last_event_id
        """The id to resume after. Every complete frame with an id updates it, even without data."""
        self.retry: Optional[int] = None
        """The server's last ``retry:`` in milliseconds."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._max = max_event_chars
        self._pending: List[str] = []  # parts of an incomplete line
        self._pending_size = 0
        self._first = True
        self._after_cr = False
        self._new_frame()

    @property
    def is_within_event(self) -> bool:
        """True after a part of an event, or of a line."""
        return bool(any(self._pending) or self._data or self._event or self._id is not None)

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yields the events that the bytes complete."""
        text = self._decoder.decode(chunk)
        if self._first and text:
            self._first = False
            text = text[1:] if text[0] == "\ufeff" else text
        if self._after_cr and text:
            self._after_cr = False
            text = text[1:] if text[0] == "\n" else text
        self._after_cr = self._after_cr or text.endswith("\r")
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if lines:
            # Joined once, because a long line arrives in thousands of chunks.
            lines[0] = "".join([*self._pending, lines[0]])
            self._pending, self._pending_size = [], 0
        self._pending.append(rest)
        self._pending_size += len(rest)
        self._check(self._pending_size)
        for line in lines:
            event = self._line(line)
            if event is not None:
                yield event

    def _line(self, line: str) -> Optional[Event]:
        if not line:
            return self._dispatch()
        name, colon, value = line.partition(":")
        if value.startswith(" "):
            value = value[1:]
        if name == "data":
            self._data.append(value)
            self._size += len(value)
            self._check(self._size)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(min(float(value), 2**31))  # any number of digits
        return None

    def _dispatch(self) -> Optional[Event]:
        # Only a complete frame changes the last event id.
        if self._id is not None:
            self.last_event_id = self._id
        event = Event(self._event or "message", "\n".join(self._data), self.last_event_id) if self._data else None
        self._new_frame()
        return event

    def _new_frame(self) -> None:
        self._event = ""
        self._id: Optional[str] = None
        self._data: List[str] = []
        self._size = 0

    def _check(self, size: int) -> None:
        if size > self._max:
            raise EventTooLarge(f"an event is larger than {self._max} characters (max_event_chars)")
