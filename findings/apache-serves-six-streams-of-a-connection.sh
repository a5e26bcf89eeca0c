#!/usr/bin/env bash
# Debian's apache2-bin 2.4.71-1~deb12u1: of a fresh HTTP/2 connection mod_http2 serves six requests at a time; the
# seventh event stream gets no head until another one ends. It announces 100, and H2MinWorkers, H2MaxWorkers,
# H2MaxSessionStreams and MaxRequestWorkers change nothing: the six grow with requests that end, which streams do not.
set -euo pipefail
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 "$folder"
apt-get -qq -o Debug::NoLocking=1 -o APT::Sandbox::User= download apache2-bin=2.4.71-1~deb12u1 libapr1 libaprutil1 \
  libaprutil1-dbd-sqlite3 libnghttp2-14 liblua5.3-0
for package in *.deb; do dpkg -x "$package" unpacked; done
root=$folder/unpacked

cat >run.mjs <<'JS'
import { createServer } from 'node:http'
import { connect } from 'node:http2'

if (process.argv[2] === 'serve')
  createServer((_, answer) =>
    answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n'),
  ).listen(
    18080,
    '127.0.0.1',
  )
else {
  const connection = connect('http://127.0.0.1:18081')
  const announced = await new Promise((known) => connection.once('remoteSettings', known))
  let served = 0
  for (let stream = 0; stream < 50; stream++) connection.request({ ':path': '/' }).once('data', () => served++)
  await new Promise((later) => setTimeout(later, 3_000))
  console.log(`announced ${announced.maxConcurrentStreams}, served ${served} of 50`)
  process.exit(0)
}
JS
node run.mjs serve &
pids+=($!)

measure() { # lines of configuration
  cat >apache.conf <<CONF
ServerRoot $folder
ServerName localhost
PidFile $folder/apache.pid
DefaultRuntimeDir $folder
ErrorLog $folder/error.log
Listen 127.0.0.1:18081
$(for module in mpm_event authz_core proxy proxy_http http2; do
    echo "LoadModule ${module}_module $root/usr/lib/apache2/modules/mod_$module.so"
  done)
Protocols h2c http/1.1
ThreadsPerChild 25
ProxyPass / http://127.0.0.1:18080/
$1
CONF
  LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-*) "$root/usr/sbin/apache2" -DFOREGROUND -f "$folder/apache.conf" &
  local apache=$!
  pids+=("$apache")
  for _ in $(seq 100); do
    if node -e "require('node:net').connect(18081, '127.0.0.1')
      .on('error', () => process.exit(1)).on('connect', () => process.exit(0))"; then break; fi
    sleep 0.1
  done
  node run.mjs | sed "s/^/${1:-defaults}: /" | tee -a seen
  kill "$apache"
  wait "$apache" || true
}

LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-*) "$root/usr/sbin/apache2" -v | sed -n 1p
measure ''
measure 'H2MinWorkers 100'
measure 'H2MaxSessionStreams 200'
diff - seen <<'SEEN'
defaults: announced 100, served 6 of 50
H2MinWorkers 100: announced 100, served 6 of 50
H2MaxSessionStreams 200: announced 200, served 6 of 50
SEEN
