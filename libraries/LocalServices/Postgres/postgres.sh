#!/bin/sh
# Runs Postgres for an orchestrator that ends a process with TERM, and with KILL some seconds later. TERM makes Postgres
# wait for its last client; INT ends it at once, cleanly. The server also gets INT when this shell is killed
# (--pdeathsig).
# Usage: postgres.sh [setpriv --reuid=… …] -- postgres -D … -p …
if [ "$1" = -- ]; then
  shift
  if command -v setpriv >/dev/null; then set -- setpriv --pdeathsig INT "$@"; fi
else
  privileges=$1; shift
  set -- "$privileges" --pdeathsig INT "$@"
fi

trap 'kill -INT "$server" 2>/dev/null' TERM INT HUP
"$@" &
server=$!
# `wait` returns early after a trap, so the server's end is checked.
while :; do
  wait "$server"
  code=$?
  kill -0 "$server" 2>/dev/null || exit "$code"
done
