#!/usr/bin/env bash
# npm @tanstack/ai-client 0.33.2: a connection that breaks after RUN_FINISHED, before the end of its body, sends the
# request again with the id of RUN_FINISHED. If nothing follows that id, as in a log that has no more, the answer that
# the page already has whole fails: "Durable run ended without a terminal event". A repeated RUN_FINISHED with its id is
# a duplicate and fails too; one without an id ends the run well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --silent --no-audit --no-fund @tanstack/ai-client@0.33.2

cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import { ChatClient, fetchServerSentEvents } from '@tanstack/ai-client'

const ids = { threadId: 't', runId: 'r' }
const events = [
  { type: 'RUN_STARTED', ...ids },
  { type: 'TEXT_MESSAGE_START', messageId: 'm', role: 'assistant' },
  { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm', delta: 'a whole answer' },
  { type: 'TEXT_MESSAGE_END', messageId: 'm' },
  { type: 'RUN_FINISHED', ...ids },
]
const frame = (event, id) => `${id ? `id: ${id}\n` : ''}data: ${JSON.stringify(event)}\n\n`
const resumed = {
  '/nothing': '',
  '/repeated-with-its-id': frame(events[4], 'e4'),
  '/repeated-without-an-id': frame(events[4]),
}

const server = createServer(async (request, answer) => {
  for await (const _ of request);
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  if (request.headers['last-event-id']) return answer.end(resumed[request.url])
  for (const [index, event] of events.entries()) answer.write(frame(event, `e${index}`))
  setTimeout(() => request.socket.resetAndDestroy(), 200)
}).listen(0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))

const origin = `http://127.0.0.1:${server.address().port}`
for (const path of Object.keys(resumed)) {
  const errors = []
  let ends = 0
  const client = new ChatClient({
    connection: fetchServerSentEvents(origin + path, { reconnect: { delayMs: 5 } }),
    onChunk: (chunk) => void (chunk.type === 'RUN_FINISHED' && ends++),
    onError: (error) => errors.push(error.message.split(' and could')[0]),
  })
  await client.sendMessage('Well?')
  const text = client.getMessages().at(-1).parts.map((part) => part.content ?? '').join('')
  console.log(`${path}: '${text}', ${client.getStatus()}, RUN_FINISHED ${ends} times, ${errors.join() || 'no error'}`)
}
process.exit(0)
JS

node run.mjs 2>/dev/null | tee seen
diff - seen <<'SEEN'
/nothing: 'a whole answer', error, RUN_FINISHED 1 times, Durable run ended without a terminal event
/repeated-with-its-id: 'a whole answer', error, RUN_FINISHED 1 times, Durable run ended without a terminal event
/repeated-without-an-id: 'a whole answer', ready, RUN_FINISHED 2 times, no error
SEEN
