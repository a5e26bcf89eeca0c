#!/usr/bin/env bash
# A frame that has an `id` and no `data` sets the last event id by the standard (HTML Living Standard 9.2.6: the id
# buffer is copied before the empty data is looked at). npm eventsource 5.1.5 takes it; eventsource-client 1.2.0 and
# launchdarkly-eventsource 2.2.0 come back without it, or with the one before. A server that tells a position in such a
# frame sends these readers back too far; with an empty `data:` line all three take it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --silent --no-audit --no-fund \
  eventsource@5.1.5 eventsource-client@1.2.0 launchdarkly-eventsource@2.2.0

cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import { EventSource as Standard } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import LaunchDarkly from 'launchdarkly-eventsource'

const bodies = {
  'id alone': 'id: 1\ndata: x\n\nid: 2\n\n',
  'id with empty data': 'id: 1\ndata: x\n\nevent: position\ndata:\nid: 2\n\n',
}
const open = {
  eventsource: (url) => new Standard(url),
  'eventsource-client': (url) => createEventSource(url),
  'launchdarkly-eventsource': (url) => new LaunchDarkly.EventSource(url),
}

for (const [form, body] of Object.entries(bodies))
  for (const [name, reader] of Object.entries(open)) {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((listening) => server.once('listening', listening))
    const second = new Promise((asked) => {
      let requests = 0
      server.on('request', (request, answer) => {
        if (++requests === 2) asked(request.headers['last-event-id'] ?? 'none')
        answer.writeHead(200, { 'content-type': 'text/event-stream' })
        answer.end(`retry: 100\n${body}`)
      })
    })
    const source = reader(`http://127.0.0.1:${server.address().port}/`)
    console.log(`${form}, ${name}: comes back with ${await second}`)
    source.close()
    server.closeAllConnections()
    server.close()
  }
process.exit(0)
JS

node run.mjs | tee seen
diff - seen <<'SEEN'
id alone, eventsource: comes back with 2
id alone, eventsource-client: comes back with 1
id alone, launchdarkly-eventsource: comes back with 1
id with empty data, eventsource: comes back with 2
id with empty data, eventsource-client: comes back with 2
id with empty data, launchdarkly-eventsource: comes back with 2
SEEN
