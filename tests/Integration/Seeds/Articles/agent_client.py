# The article's client, host and port changed.
import aiohttp
import asyncio
import json
import sys

class SSEClient:
    def __init__(self, base_url: str):
        self.base_url = base_url
    
    async def stream(self, prompt: str):
        url = f"{self.base_url}/stream?prompt={prompt}"
        
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as response:
                async for line in response.content:
                    line = line.decode('utf-8').strip()
                    
                    if line.startswith('data:'):
                        data = json.loads(line[5:].strip())
                        yield data

# 使用例
async def main():
    client = SSEClient(sys.argv[1])
    
    async for event in client.stream("こんにちは"):
        if event["type"] == "content":
            print(event["data"], end="", flush=True)
        elif event["type"] == "end":
            print()
            break

asyncio.run(main())
