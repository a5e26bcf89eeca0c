"""Publishes to a topic of its own and reads it back."""

import uuid

from _address import ADDRESS
from aspire_sse import SSEClient, request

topic = f"examples.{uuid.uuid4().hex}"
for event in SSEClient(f"{ADDRESS}/v1/events/stream?topic={topic}"):
    if event.event == "connected":
        print("connected to", event.json()["replica"])
        request("POST", f"{ADDRESS}/v1/events", [{"topic": topic, "type": "greeting", "data": text} for text in ("hello", "こんにちは")])
    else:
        print(f"{event.event} at {event.id}: {event.json()}")
        if event.json() == "こんにちは":
            break
