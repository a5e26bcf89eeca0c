#!/bin/sh
# Changes the code bit by bit and counts the changes that its tests in tests/Unit notice (Stryker.NET).
# Reports: artifacts/mutation/PART/reports. Usage: eng/mutate.sh [event-store] [streaming] [security]
set -eu
cd "$(dirname "$0")/.."
dotnet tool restore
[ $# -gt 0 ] || set -- event-store streaming security
cd tests/Unit
export RunAnalyzers=false
for part in "$@"; do
  # These tests run once for each change; all of tests/Unit would take hours.
  case $part in
    event-store) TestFiles='EventStore/*Tests.cs;Streaming/TopicIndexTests.cs;Security/TopicGrantsTests.cs' ;;
    streaming)
      TestFiles='Streaming/ConnectionLimitsTests.cs;Streaming/FilterLogsTests.cs;Streaming/HeartbeatTests.cs'
      TestFiles="$TestFiles;Streaming/PageBudgetTests.cs;Streaming/RecentEventsTests.cs;Streaming/SlowReaderTests.cs"
      TestFiles="$TestFiles;Streaming/StreamFilterTests.cs;Streaming/WritePacingTests.cs"
      ;;
    security)
      TestFiles='Security/AddressConnectionsTests.cs;Security/BearerTokenTests.cs;Security/CallerTests.cs'
      TestFiles="$TestFiles;Security/CredentialTests.cs;Security/MemoryBudgetTests.cs;Security/RequestBudgetTests.cs"
      TestFiles="$TestFiles;Security/SecurityOptionsTests.cs;Security/TopicGrantsTests.cs"
      ;;
  esac
  export TestFiles
  dotnet stryker --config-file "../../eng/mutation/$part.json" --output "../../artifacts/mutation/$part" --concurrency 2
done
