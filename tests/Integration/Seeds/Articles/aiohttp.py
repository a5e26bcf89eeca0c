"""Just enough of aiohttp for the articles' clients to run as they are written: GET, and the body line by line."""

import asyncio
from urllib.parse import quote, urlsplit


class ClientSession:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    def get(self, url):
        return _Response(url)


class _Response:
    def __init__(self, url):
        self._url = urlsplit(quote(url, safe=":/?&=%"))

    async def __aenter__(self):
        reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port or 80)
        target = self._url.path + ("?" + self._url.query if self._url.query else "")
        self._writer.write(f"GET {target} HTTP/1.1\r\nHost: {self._url.netloc}\r\nAccept: */*\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        self.status = int(head.split()[1])
        assert b"transfer-encoding: chunked" in head.lower(), head
        self.content = _lines(reader)
        return self

    async def __aexit__(self, *_):
        self._writer.close()


async def _lines(reader):
    buffer = b""
    while size := int(await reader.readline(), 16):
        buffer += await reader.readexactly(size)
        await reader.readline()
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            yield line + b"\n"
