"""Streams the tokens of a language model. The model ``demo`` needs no API key."""

import sys

from _address import ADDRESS
from aspire_sse import SSEClient

prompt = " ".join(sys.argv[2:]) or "Say in one sentence what server-sent events are good for, please."
body = {"provider": "demo", "model": "demo", "messages": [{"role": "user", "content": prompt}]}
for event in SSEClient(f"{ADDRESS}/sse/chat", json=body):
    if event.data == "[DONE]":
        print()
    else:
        print(event.json().get("content", event.data), end="", flush=True)
