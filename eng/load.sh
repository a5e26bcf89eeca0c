#!/usr/bin/env bash
# Load tests as CI runs them.
#   eng/load.sh HERE [BASE]    the smoke set against HERE and, where it is built, against BASE, in turns (base, here, base, here):
#                              reports in artifacts/load/, fails on a threshold or on a regression beyond noise
#   eng/load.sh --chaos HERE   the mixed scenario under faults of each kind
# Both are built with -c Release. The generator is always HERE's, so that only the system differs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
reports=$PWD/artifacts/load
mkdir -p "$reports"
app=

up() {   # FOLDER: starts its whole system, empty, and waits until both replicas are there
  (cd "$1" && exec dotnet run --no-build -c Release --project AppHost -- --ephemeral) >"$reports/apphost.log" 2>&1 &
  app=$!
  for _ in $(seq 300); do
    [ "$(curl -fsS http://localhost:5080/v1/replicas 2>/dev/null | grep -o '"mode":"live"' | wc -l)" -ge 2 ] && return
    kill -0 "$app" 2>/dev/null || break
    sleep 1
  done
  tail -n 50 "$reports/apphost.log" >&2
  echo "the system in $1 did not start" >&2
  down
  exit 2
}

down() {
  [ -n "$app" ] || return 0
  kill -INT "$app" 2>/dev/null
  for _ in $(seq 30); do kill -0 "$app" 2>/dev/null || break; sleep 1; done
  kill -9 "$app" 2>/dev/null
  wait "$app" 2>/dev/null
  app=
}
trap down EXIT

load() { dotnet run --no-build -c Release --project LoadTests -- --target http://localhost:5080 --size "${LOAD_SIZE:-smoke}" "$@"; }

failed=0
if [ "${1:-}" = --chaos ]; then
  for fault in kill term stop; do
    up "$2"
    load --chaos "${LOAD_CHAOS:-all}" --fault "$fault" --reports "$reports/chaos/$fault" mixed || failed=1
    down
  done
  exit "$failed"
fi

here=$1 base=${2:-}
if [ -z "$base" ] || [ ! -d "$base" ]; then
  up "$here"
  load --reports "$reports" || failed=1
  exit "$failed"
fi
: >"$reports/base.jsonl"
: >"$reports/here.jsonl"
for round in 1 2; do
  up "$base"
  load --reports "$reports/base-$round" || echo "the base itself failed a threshold" >&2
  cat "$reports/base-$round/results.jsonl" >>"$reports/base.jsonl"
  down
  up "$here"
  load --reports "$reports/here-$round" || failed=1
  cat "$reports/here-$round/results.jsonl" >>"$reports/here.jsonl"
  down
done
cp "$reports/here-2/report.md" "$reports/report.md"
dotnet run --no-build -c Release --project LoadTests -- --compare "$reports/base.jsonl" "$reports/here.jsonl" --reports "$reports" || failed=1
exit "$failed"
