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
target=http://localhost:5080
app=
if ! command -v curl >/dev/null; then
  echo "curl is missing; install it: eng/load.sh asks with it whether the system answers" >&2
  exit 2
fi

lives() { [ -n "$app" ] && kill -0 "$app" 2>/dev/null; }

answers() {   # anything but "connection refused" (7)
  curl --noproxy '*' -sS -o /dev/null --max-time 5 "$target/alive" 2>/dev/null
  [ $? -ne 7 ]
}

both_replicas() {
  local replicas
  replicas=$(curl --noproxy '*' -fsS "$target/v1/replicas" 2>/dev/null)
  [ "$(grep -o '"mode":"live"' <<<"$replicas" | wc -l)" -ge 2 ]
}

up() {   # FOLDER: starts its system, empty, and waits for both replicas
  if answers; then
    echo "a system answers at $target already, and would be measured instead of the one in $1; stop it" >&2
    exit 2
  fi
  (cd "$1" && exec dotnet run --no-build -c Release --project AppHost -- --ephemeral) >"$reports/apphost.log" 2>&1 &
  app=$!
  for _ in $(seq 600); do
    both_replicas && lives && return
    lives || break
    sleep 0.5
  done
  tail -n 50 "$reports/apphost.log" >&2
  echo "the system in $1 did not start; see the log above" >&2
  down
  exit 2
}

down() {   # fails if the system still answers afterwards
  [ -n "$app" ] || return 0
  # `dotnet run` ignores INT, which a terminal sends to its AppHost as well, and passes TERM on.
  kill -TERM "$app" 2>/dev/null
  for _ in $(seq 120); do lives || break; sleep 0.5; done
  # The orchestrator stops everything when its AppHost dies.
  if lives; then kill -9 $(pgrep -P "$app") "$app" 2>/dev/null; fi
  wait "$app" 2>/dev/null
  app=
  for _ in $(seq 60); do answers || return 0; sleep 0.5; done
  echo "the system still answers at $target after its AppHost was stopped" >&2
  return 1
}
trap down EXIT
trap 'exit 130' INT   # bash itself goes on when a program has handled Ctrl+C

load() {   # fails if a threshold failed; ends the script if a scenario could not run (2) or was stopped (130)
  dotnet run --no-build -c Release --project LoadTests -- \
    --target "$target" --size "${LOAD_SIZE:-smoke}" "$@"
  local code=$?
  case $code in 2 | 130) exit "$code" ;; esac
  return "$code"
}

failed=0
if [ "${1:-}" = --chaos ]; then
  for fault in kill term stop; do
    up "$2"
    load --chaos "${LOAD_CHAOS:-all}" --fault "$fault" --reports "$reports/chaos/$fault" mixed || failed=1
    down || exit 2
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
  down || exit 2
  up "$here"
  load --reports "$reports/here-$round" || failed=1
  cat "$reports/here-$round/results.jsonl" >>"$reports/here.jsonl"
  down || exit 2
done
cp "$reports/here-2/report.md" "$reports/report.md"
dotnet run --no-build -c Release --project LoadTests -- --compare "$reports/base.jsonl" "$reports/here.jsonl" \
  --reports "$reports" || failed=1
exit "$failed"
