"""Server-sent events that resume: see :class:`SSEClient`."""

from .client import HttpError, RetriesExhausted, SSEClient, StreamBroken
from .parser import Event, Parser
from .requests import request

__all__ = ["Event", "HttpError", "Parser", "RetriesExhausted", "SSEClient", "StreamBroken", "request"]
