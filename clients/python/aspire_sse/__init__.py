"""Server-sent events that resume: see :class:`SSEClient`."""

from .client import HttpError, RetriesExhausted, SSEClient, StreamBroken
from .parser import Event, EventTooLarge, Parser
from .requests import request

__all__ = ["Event", "EventTooLarge", "HttpError", "Parser", "RetriesExhausted", "SSEClient", "StreamBroken", "request"]
