"""Publishes events to a new topic and reads them back."""

import uuid

from _address import ADDRESS
from aspire_sse import SSEClient, request

topic = f"examples.{uuid.uuid4().hex}"
for event in SSEClient(f"{ADDRESS}/v1/events/stream?topic={topic}"):
    if event.event == "connected":
        print("connected to", event.json()["replica"])
        greetings = [{"topic": topic, "type": "greeting", "data": text} for text in ("hello", "こんにちは")]
        request("POST", f"{ADDRESS}/v1/events", greetings)
    else:
        print(f"{event.event} at {event.id}: {event.json()}")
        if event.json() == "こんにちは":
            break
