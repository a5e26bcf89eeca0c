#!/bin/sh
# Changes the code bit by bit and counts the changes that tests/Unit notices (Stryker.NET).
# Reports: artifacts/mutation/PART/reports. Usage: eng/mutate.sh [event-store] [streaming] [security]
set -eu
cd "$(dirname "$0")/.."
dotnet tool restore
[ $# -gt 0 ] || set -- event-store streaming security
cd tests/Unit
for part in "$@"; do
  dotnet stryker --config-file "../../eng/mutation/$part.json" --output "../../artifacts/mutation/$part" --concurrency 2
done
