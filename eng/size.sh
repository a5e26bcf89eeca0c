#!/bin/sh
# Estimates what a load needs, by the formulas and measured costs of docs/sizing.md.
# eng/size.sh connections=20000 events=100 readers=500 bytes=500 days=7 cores=4
set -eu
for arg in "$@"; do
    case $arg in
    *[!a-z0-9.=]*) wrong=$arg ;;
    connections=[0-9]* | events=[0-9]* | readers=[0-9]* | bytes=[0-9]* | days=[0-9]* | cores=[0-9]*) ;;
    *) wrong=$arg ;;
    esac
    if [ "${wrong-}" ]; then
        echo "$wrong: not understood. $0 connections=N events=PER_SECOND readers=PER_EVENT bytes=PER_EVENT" \
            "[days=7] [cores=PER_REPLICA]" >&2
        exit 2
    fi
done
settings=$(for arg in connections=1000 events=10 readers=100 bytes=500 days=7 cores=4 "$@"; do echo "-v $arg"; done)
# shellcheck disable=SC2086
awk $settings -v row=260 -v wal=390 -v frame=150 -v message=250 '
function up(x) { return x == int(x) ? x : int(x) + 1 }
function max(a, b) { return a > b ? a : b }
function min(a, b) { return a < b ? a : b }
BEGIN {
    deliveries = events * readers
    writing = deliveries * 8e-6                             # cores: writes to sockets
    storing = 0.5 * min(1, events / 300) + events * 1e-4    # cores: requests, Postgres, Broadcaster, Redis
    connecting = connections / 60 * 2.2e-4                  # cores: everyone comes back within a minute
    working = up(max(connections / 20000, 2 * (writing + connecting) / cores))
    streams = connections / working                         # one more replica, so that one may be away
    printf "deliveries per second  %d\n", deliveries
    printf "StreamApi              %d replicas of %g cores and %d MB, %d open files each\n",
        working + 1, cores, 1050 + streams * 0.014, streams * 1.1 + 1000
    printf "Broadcaster            2, %.1f cores and 300 MB each\n", max(0.5, storing / 3)
    printf "Postgres               %.1f cores\n", max(1, storing)
    printf "log                    %.1f GB in %g days; WAL %.1f GB per day\n",
        events * 86400 * days * (bytes + row) / 1e9, days, events * 86400 * (bytes + wal) / 1e9
    printf "to the clients         %.1f Mbit/s\n", deliveries * (bytes + frame) * 8 / 1e6
    printf "through Redis          %.1f Mbit/s\n", events * (bytes + message) * (working + 2) * 8 / 1e6
}'
