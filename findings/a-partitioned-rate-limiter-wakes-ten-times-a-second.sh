#!/usr/bin/env bash
# NuGet System.Threading.RateLimiting 10.0.0 (the limiters behind ASP.NET Core's `AddRateLimiter`) on .NET 10: each
# `PartitionedRateLimiter` has a timer of 100 ms from its creation on, without a partition, without a request, and also
# where its partitions are concurrency limiters, which nothing replenishes. A chain has one for each link, and its end
# does not end them: who disposes only the chain keeps their timers. Each tick wakes the timer's thread and one of the
# pool, so a process with three such limiters that does nothing else wakes some sixty times a second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >run.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="System.Threading.RateLimiting" Version="10.0.0" />
  </ItemGroup>
</Project>
XML
cat >Program.cs <<'CS'
using System.Threading.RateLimiting;

static PartitionedRateLimiter<string> Concurrency() =>
    PartitionedRateLimiter.Create<string, string>(key =>
        RateLimitPartition.GetConcurrencyLimiter(key, _ => new ConcurrencyLimiterOptions { PermitLimit = 1 })
    );

// Sleeps of all threads of this process.
static long Sleeps() =>
    Directory.EnumerateDirectories("/proc/self/task")
        .Sum(task => long.Parse(File.ReadLines($"{task}/status").Single(l => l.StartsWith("voluntary")).Split(':')[1]));

async Task<long> SleepsOf(int seconds)
{
    await Task.Delay(500);
    var before = Sleeps();
    await Task.Delay(seconds * 1_000);
    return (Sleeps() - before) / seconds;
}

Console.WriteLine($"none: {Timer.ActiveCount} timers");
var idle = await SleepsOf(3);

var alone = Concurrency();
Console.WriteLine($"one that was never asked: {Timer.ActiveCount} timer");
var chain = PartitionedRateLimiter.CreateChained(Concurrency(), Concurrency());
Console.WriteLine($"and a chain of two: {Timer.ActiveCount} timers");
Console.WriteLine($"at least thirty sleeps a second more: {await SleepsOf(3) - idle >= 30}");

chain.Dispose();
alone.Dispose();
await Task.Delay(500);
Console.WriteLine($"the one and the chain disposed: {Timer.ActiveCount} timers");
CS

dotnet run 2>&1 | tee seen
diff - seen <<'SEEN'
none: 0 timers
one that was never asked: 1 timer
and a chain of two: 3 timers
at least thirty sleeps a second more: True
the one and the chain disposed: 2 timers
SEEN
