#!/usr/bin/env bash
# npm openai 7.55.0: `responses.stream()` ends with an error at the first event whose type it does not know, while
# `responses.create({ stream: true })` of the same package passes that event on and reads to the end. A server that adds
# an event of its own (a keepalive, a "cancelled") breaks the helper's users only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --silent --no-audit --no-fund openai@7.55.0

cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import OpenAI from 'openai'

const response = { id: 'resp_1', object: 'response', created_at: 1, model: 'm', status: 'in_progress', output: [] }
const events = [
  { type: 'response.created', response },
  { type: 'response.of_a_later_version' },
  { type: 'response.completed', response: { ...response, status: 'completed' } },
]

const server = createServer((_, answer) => {
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  events.forEach((event, number) => answer.write(`data: ${JSON.stringify({ ...event, sequence_number: number })}\n\n`))
  answer.end()
}).listen(0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))

const client = new OpenAI({ apiKey: 'none', maxRetries: 0, baseURL: `http://127.0.0.1:${server.address().port}/v1` })
const seen = async (stream) => {
  const types = []
  try {
    for await (const event of stream) types.push(event.type)
    return `${types.join(', ')}; no error`
  } catch (error) {
    return `${types.join(', ')}; ${error.constructor.name}: ${error.message.split(/[:{]/)[0].trim()}`
  }
}

console.log('create:', await seen(await client.responses.create({ model: 'm', input: 'x', stream: true })))
console.log('stream:', await seen(client.responses.stream({ model: 'm', input: 'x' })))
server.close()
JS

node run.mjs | tee seen
diff - seen <<'SEEN'
create: response.created, response.of_a_later_version, response.completed; no error
stream: response.created; OpenAIError: Unhandled response stream event
SEEN
