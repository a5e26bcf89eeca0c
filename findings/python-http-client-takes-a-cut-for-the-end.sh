#!/usr/bin/env bash
# Python 3.11's http.client (also below urllib.request): a body that broke off looks like one that ended, depending on
# how it is read. `read()` raises IncompleteRead. `read1()`, `read(n)` and `readline()`, so `for line in response` too,
# just end at a cut before Content-Length; `readline()` also at a cut between two chunks, which is where a server of
# events dies. A reader of a stream cannot tell a cut from the end by what http.client says: it needs a last event.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >run.py <<'PY'
import http.client
import socket
import threading

bodies = {
    "with a length": b"Content-Length: 100\r\n\r\ndata: a\n\n",
    "between two chunks": b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n",
    "within a chunk": b"Transfer-Encoding: chunked\r\n\r\n64\r\ndata: a\n\n",
}
ways = {
    "read()": lambda response: response.read(),
    "read(n)": lambda response: response.read(65536),
    "read1(n)": lambda response: response.read1(65536),
    "readline()": lambda response: response.readline(),
}


def end(body, read):
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        client, _ = server.accept()
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\n" + body)
        client.close()

    threading.Thread(target=answer).start()
    connection = http.client.HTTPConnection(*server.getsockname())
    connection.request("GET", "/")
    response = connection.getresponse()
    try:
        while read(response):
            pass
        return "ends"
    except http.client.IncompleteRead:
        return "raises"


for name, body in bodies.items():
    print(f"cut {name}: " + ", ".join(f"{way} {end(body, read)}" for way, read in ways.items()))
PY

python3 --version
python3 run.py | tee seen
diff - seen <<'SEEN'
cut with a length: read() raises, read(n) ends, read1(n) ends, readline() ends
cut between two chunks: read() raises, read(n) raises, read1(n) raises, readline() ends
cut within a chunk: read() raises, read(n) raises, read1(n) raises, readline() raises
SEEN
