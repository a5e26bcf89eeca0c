#!/usr/bin/env bash
# npm openai 7.55.0: `responses.stream({ response_id, starting_after })` asks the server for the whole replay and leaves
# out the events up to `starting_after` by itself; `responses.retrieve(id, { stream: true, starting_after })` sends it.
# Whoever resumes by the helper costs its server the whole response each time, and a server that goes by what it is
# asked must be able to replay from the first event.
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
const part = { item_id: 'msg_1', output_index: 0, content_index: 0 }
const delta = (text) => ({ type: 'response.output_text.delta', ...part, delta: text, logprobs: [] })
const events = [
  { type: 'response.created', response },
  {
    type: 'response.output_item.added',
    output_index: 0,
    item: { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] },
  },
  { type: 'response.content_part.added', ...part, part: { type: 'output_text', text: '', annotations: [] } },
  delta('one '),
  delta('two'),
].map((event, number) => ({ ...event, sequence_number: number }))

const server = createServer((request, answer) => {
  console.log(`  asked: ${request.url}`)
  const after = new URL(request.url, 'http://local').searchParams.get('starting_after') ?? -1
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events)
    if (event.sequence_number > after) answer.write(`data: ${JSON.stringify(event)}\n\n`)
  answer.end()
}).listen(0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))

const client = new OpenAI({ apiKey: 'none', maxRetries: 0, baseURL: `http://127.0.0.1:${server.address().port}/v1` })
const show = async (name, stream) => {
  const numbers = []
  for await (const event of stream) numbers.push(event.sequence_number)
  console.log(`${name}: events ${numbers.join(', ')}`)
}

await show('retrieve', await client.responses.retrieve('resp_1', { stream: true, starting_after: 3 }))
await show('helper', client.responses.stream({ response_id: 'resp_1', starting_after: 3 }))
server.close()
JS

node run.mjs | tee seen
diff - seen <<'SEEN'
  asked: /v1/responses/resp_1?stream=true&starting_after=3
retrieve: events 4
  asked: /v1/responses/resp_1?stream=true
helper: events 4
SEEN
