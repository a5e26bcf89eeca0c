"""Reads the simplest streams: three items, three log lines, a text word by word, five ticks."""

from itertools import islice

from _address import ADDRESS
from aspire_sse import SSEClient

for event in SSEClient(f"{ADDRESS}/items/stream", initial_delay=0.1):
    print(f"item {event.id}: {event.json()['name']} at {event.json()['price']}")
    if event.id == "3":
        break  # the server would answer 204 to a reconnection

for event in islice(SSEClient(f"{ADDRESS}/logs/stream"), 3):
    print("log:", event.data)

words = SSEClient(f"{ADDRESS}/chat/stream", json={"text": "word by word"})
print(" ".join(e.json() for e in words if e.event == "token"))

for event in islice(SSEClient(f"{ADDRESS}/sse/events"), 5):
    print(event.json()["message"])
