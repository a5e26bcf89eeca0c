# The article's client, host and port changed.
import aiohttp
import asyncio
import json
import sys

async def listen_to_events():
    async with aiohttp.ClientSession() as session:
        async with session.get(sys.argv[1] + "/events/stream") as response:
            async for line in response.content:
                if line:
                    decoded = line.decode('utf-8').strip()
                    if decoded.startswith('data: '):
                        data = json.loads(decoded[6:])
                        print(f"Event: {data}", flush=True)

asyncio.run(listen_to_events())
