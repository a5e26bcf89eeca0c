#!/bin/sh
# Changes the code bit by bit and counts the changes that its tests notice (Stryker.NET).
# Reports: artifacts/mutation/PART/reports. Usage: eng/mutate.sh [event-store] [streaming-engine] [streaming] [security]
set -eu
cd "$(dirname "$0")/.."
dotnet tool restore
[ $# -gt 0 ] || set -- event-store streaming-engine streaming security
export RunAnalyzers=false
for part in "$@"; do
  tests=Core
  # All tests of the project run once for each change; all of tests/Unit would take hours.
  if [ "$part" = security ]; then
    tests=Unit
    TestFiles='Security/AddressConnectionsTests.cs;Security/BearerTokenTests.cs;Security/CallerTests.cs'
    TestFiles="$TestFiles;Security/CredentialTests.cs;Security/MemoryBudgetTests.cs;Security/RequestBudgetTests.cs"
    TestFiles="$TestFiles;Security/SecurityOptionsTests.cs"
    export TestFiles
  fi
  (cd "tests/$tests" && dotnet stryker --config-file "../../eng/mutation/$part.json" \
    --output "../../artifacts/mutation/$part" --concurrency 2)
done
