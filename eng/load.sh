#!/usr/bin/env bash
# Runs the load tests as in CI.
#   eng/load.sh HERE [BASE]    runs the smoke set against HERE and, if it is built, BASE (in turns: base, here, base,
#                              here). Reports go to artifacts/load/. Fails on a threshold, or on a regression beyond
#                              the noise
#   eng/load.sh --chaos HERE   runs the mixed scenario under each kind of fault
# Both are folders built with -c Release. HERE's generator loads both systems, so that only the system differs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
reports=$PWD/artifacts/load
mkdir -p "$reports"
app=

up() {   # FOLDER: starts its system, empty, and waits for both replicas
  (cd "$1" && exec dotnet run --no-build -c Release --project AppHost -- --ephemeral) >"$reports/apphost.log" 2>&1 &
  app=$!
  for _ in $(seq 300); do
    [ "$(curl -fsS http://localhost:5080/v1/replicas 2>/dev/null | grep -o '"mode":"live"' | wc -l)" -ge 2 ] && return
    kill -0 "$app" 2>/dev/null || break
    sleep 1
  done
  tail -n 50 "$reports/apphost.log" >&2
  echo "the system in $1 did not start; see the log above" >&2
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

load() {
  dotnet run --no-build -c Release --project LoadTests -- \
    --target http://localhost:5080 --size "${LOAD_SIZE:-smoke}" "$@"
}

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
  load --reports "$reports/base-$round" || echo "the base failed a threshold too" >&2
  cat "$reports/base-$round/results.jsonl" >>"$reports/base.jsonl"
  down
  up "$here"
  load --reports "$reports/here-$round" || failed=1
  cat "$reports/here-$round/results.jsonl" >>"$reports/here.jsonl"
  down
done
cp "$reports/here-2/report.md" "$reports/report.md"
dotnet run --no-build -c Release --project LoadTests -- --compare "$reports/base.jsonl" "$reports/here.jsonl" \
  --reports "$reports" || failed=1
exit "$failed"
