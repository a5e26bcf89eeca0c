#!/usr/bin/env bash
# npm @ag-ui/client 1.0.0: `HttpAgent.runAgent()` resolves when the run ends with RUN_ERROR, and when the body ends
# without RUN_FINISHED; a caller that awaits it takes both for success. Only `onRunErrorEvent` of a subscriber tells,
# and for the body that just ends, nothing does. A status that is no success rejects.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --silent --no-audit --no-fund @ag-ui/client@1.0.0

cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import { HttpAgent } from '@ag-ui/client'

process.on('unhandledRejection', () => {})
const started = (run) => ({ type: 'RUN_STARTED', threadId: run.threadId, runId: run.runId })
const text = [
  { type: 'TEXT_MESSAGE_START', messageId: 'm', role: 'assistant' },
  { type: 'TEXT_MESSAGE_CONTENT', messageId: 'm', delta: 'half an ' },
]
const answers = {
  '/finished': (run) => [started(run), { type: 'RUN_FINISHED', threadId: run.threadId, runId: run.runId }],
  '/error': (run) => [started(run), ...text, { type: 'RUN_ERROR', message: 'the model failed' }],
  '/unfinished': (run) => [started(run), ...text],
}

const server = createServer(async (request, answer) => {
  let body = ''
  for await (const part of request) body += part
  if (!answers[request.url]) return answer.writeHead(503).end()
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of answers[request.url](JSON.parse(body))) answer.write(`data: ${JSON.stringify(event)}\n\n`)
  answer.end()
}).listen(0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))

for (const path of [...Object.keys(answers), '/refused']) {
  const agent = new HttpAgent({ url: `http://127.0.0.1:${server.address().port}${path}` })
  const told = []
  const subscriber = {
    onRunErrorEvent: () => void told.push('onRunErrorEvent'),
    onRunFailed: () => void told.push('onRunFailed'),
  }
  const outcome = await agent.runAgent({}, subscriber).then(() => 'resolves', () => 'rejects')
  console.log(`${path}: ${outcome}; ${told.join(', ') || 'nobody is told'}`)
}
process.exit(0)
JS

node run.mjs 2>/dev/null | tee seen
diff - seen <<'SEEN'
/finished: resolves; nobody is told
/error: resolves; onRunErrorEvent
/unfinished: resolves; nobody is told
/refused: rejects; onRunFailed
SEEN
