#!/usr/bin/env bash
# npm openai 7.55.0: a stream that is answered with 204, which tells an EventSource that there is nothing more to read
# (HTML Living Standard 9.2.3), is an error to the SDK, and is not tried again. A body that ends without `[DONE]` is no
# error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --silent --no-audit --no-fund openai@7.55.0

cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import OpenAI from 'openai'

let requests = 0
const choices = [{ index: 0, delta: { content: 'a' } }]
const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices }
const server = createServer((request, answer) => {
  requests++
  if (request.url.startsWith('/nothing')) return answer.writeHead(204).end()
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  answer.end(`data: ${JSON.stringify(chunk)}\n\n`)
}).listen(0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))

for (const path of ['/nothing', '/unfinished']) {
  requests = 0
  const client = new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${server.address().port}${path}` })
  try {
    const stream = await client.chat.completions.create({ model: 'm', messages: [], stream: true })
    let text = ''
    for await (const part of stream) text += part.choices[0].delta.content
    console.log(`${path}: ended with "${text}", ${requests} request(s)`)
  } catch (error) {
    console.log(`${path}: ${error.constructor.name}, ${requests} request(s)`)
  }
}
server.close()
JS

node run.mjs | tee seen
diff - seen <<'SEEN'
/nothing: OpenAIError, 1 request(s)
/unfinished: ended with "a", 1 request(s)
SEEN
