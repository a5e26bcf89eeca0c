"""Tokens of a language model as they are generated; ``demo`` needs no key."""

import sys

from _address import ADDRESS
from aspire_sse import SSEClient

prompt = " ".join(sys.argv[2:]) or "Say in one sentence what server-sent events are good for, please."
for event in SSEClient(f"{ADDRESS}/sse/chat", json={"provider": "demo", "model": "demo", "messages": [{"role": "user", "content": prompt}]}):
    if event.data == "[DONE]":
        print()
    else:
        print(event.json().get("content", event.data), end="", flush=True)
