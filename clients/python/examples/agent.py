"""Runs an agent that uses tools. A reconnection resumes the same run."""

import sys
from urllib.parse import quote

from _address import ADDRESS
from aspire_sse import SSEClient

prompt = " ".join(sys.argv[2:]) or "Which cats do you have?"
client = SSEClient(f"{ADDRESS}/stream?prompt={quote(prompt)}", ends=["end"])
client.on("content", lambda e: print(e.json()["content"], end="", flush=True))
client.on("tool_use", lambda e: print(f"\n[{e.json()['tool']} {e.json()['input']}]"))
client.on("tool_result", lambda e: print(f"[-> {e.json()['output']}]"))
client.on("end", lambda e: print())
client.run()
