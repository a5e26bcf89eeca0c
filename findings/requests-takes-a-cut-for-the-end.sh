#!/usr/bin/env bash
# Debian's python3-requests 2.28.1 over python3-urllib3 1.26.12: `iter_lines()` and `iter_content()` just end for a body
# that broke off before its Content-Length, and half an answer looks whole. Between two chunks, where a server of events
# dies, both raise. A proxy that gives an event stream a length (lighttpd by default) makes the first of the second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o Debug::NoLocking=1 -o APT::Sandbox::User= download python3-requests=2.28.1+dfsg-1 python3-urllib3 \
  python3-chardet python3-charset-normalizer python3-idna python3-certifi python3-six
for package in *.deb; do dpkg -x "$package" unpacked; done

cat >run.py <<'PY'
import socket
import threading

import requests
import urllib3

bodies = {
    "before its length": b"Content-Length: 100\r\n\r\ndata: a\n\n",
    "between two chunks": b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n",
}


def end(body, way):
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        client, _ = server.accept()
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + body)
        client.close()

    threading.Thread(target=answer).start()
    host, port = server.getsockname()
    response = requests.get(f"http://{host}:{port}/", stream=True)
    try:
        for _ in getattr(response, way)():
            pass
        return "ends"
    except requests.exceptions.RequestException as e:
        return f"raises {type(e).__name__}"


for name, body in bodies.items():
    for way in ("iter_lines", "iter_content"):
        print(f"urllib3 {urllib3.__version__}, cut {name}: {way}() {end(body, way)}")
PY

PYTHONPATH=unpacked/usr/lib/python3/dist-packages python3 run.py | tee seen
diff - seen <<'SEEN'
urllib3 1.26.12, cut before its length: iter_lines() ends
urllib3 1.26.12, cut before its length: iter_content() ends
urllib3 1.26.12, cut between two chunks: iter_lines() raises ChunkedEncodingError
urllib3 1.26.12, cut between two chunks: iter_content() raises ChunkedEncodingError
SEEN
