# Reads an agent's answer the way the article's Python client does: aiohttp, the body line by line, each `data:` line
# as JSON, told apart by the `type` in it and not by the `event:` line. The address comes from the test.
import asyncio
import json
import sys

import aiohttp


async def answer(address, prompt):
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{address}/stream?prompt={prompt}") as response:
            async for raw in response.content:
                line = raw.decode("utf-8").strip()
                if line.startswith("data:"):
                    yield json.loads(line[len("data:"):].strip())


async def main():
    async for event in answer(sys.argv[1], sys.argv[2]):
        if event["type"] == "content":
            print(event["data"], end="", flush=True)
        elif event["type"] == "end":
            print()
            break


asyncio.run(main())
