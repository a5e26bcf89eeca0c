#!/usr/bin/env bash
# npm @microsoft/fetch-event-source 2.0.1: a blank line after nothing but a comment or `retry` is a message with empty
# data, where the standard dispatches nothing (HTML Living Standard 9.2.6). `JSON.parse(event.data)` throws at each
# heartbeat, and the throw in `onmessage` makes the reader connect again. A comment without a blank line after it is
# silent. The same reader takes the last event id of a message that was cut before its end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --silent --no-audit --no-fund @microsoft/fetch-event-source@2.0.1

cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
const { fetchEventSource } = createRequire(import.meta.url)('@microsoft/fetch-event-source')

// The package is made for pages, and waits for the visible one.
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
globalThis.window = globalThis

const bodies = {
  'comment and blank line': ': heartbeat\n\nid: 1\ndata: x\n\n',
  'retry and blank line': 'retry: 100\n\nid: 1\ndata: x\n\n',
  'comment alone': ': heartbeat\nid: 1\ndata: x\n\n',
}
for (const [name, body] of Object.entries(bodies)) {
  const server = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' })
    answer.end(body)
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  const messages = []
  await fetchEventSource(`http://127.0.0.1:${server.address().port}/`, {
    openWhenHidden: true,
    onmessage: (event) => messages.push(JSON.stringify(event.data)),
  })
  console.log(`${name}: ${messages.join(', ')}`)
  server.close()
}

const cut = createServer()
const second = new Promise((asked) => {
  let requests = 0
  cut.on('request', (request, answer) => {
    if (++requests === 2) asked(request.headers['last-event-id'] ?? 'none')
    answer.writeHead(200, { 'content-type': 'text/event-stream' })
    answer.write('retry: 100\nid: 1\ndata: x\n\nid: 2\ndata: y', () => answer.destroy())
  })
}).then((id) => id)
cut.listen(0, '127.0.0.1')
await new Promise((listening) => cut.once('listening', listening))
fetchEventSource(`http://127.0.0.1:${cut.address().port}/`, { openWhenHidden: true, onmessage() {} }).catch(() => {})
console.log(`cut within the event with id 2: comes back with ${await second}`)
process.exit(0)
JS

node run.mjs | tee seen
diff - seen <<'SEEN'
comment and blank line: "", "x"
retry and blank line: "", "x"
comment alone: "x"
cut within the event with id 2: comes back with 2
SEEN
