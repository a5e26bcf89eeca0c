#!/usr/bin/env bash
# NuGet StackExchange.Redis: `IDatabase.ExecuteAsync` with INFO or CONFIG is sent by 2.13.23, and by 3.4.35 refused
# before it is sent, with RedisCommandException "This operation is not available unless admin mode is enabled: INFO":
# code that only reads a server's numbers compiles and starts with 3.x, and then fails until the connection string has
# allowAdmin=true. The server is the .NET tool garnet-server 2.2.8.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
dotnet tool install garnet-server --version 2.2.8 --tool-path tools >/dev/null
export DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
tools/garnet-server --port 7391 --bind 127.0.0.1 >log 2>&1 &
server=$!

for version in 2.13.23 3.4.35; do
  mkdir "$version"
  cat >"$version/run.csproj" <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="StackExchange.Redis" Version="$version" />
  </ItemGroup>
</Project>
XML
  cat >"$version/Program.cs" <<'CS'
using StackExchange.Redis;

foreach (var options in (string[])["", ",allowAdmin=true"])
{
    await using var redis = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:7391,connectRetry=9{options}");
    foreach (var command in (string[][])[["INFO", "server"], ["ROLE"], ["CONFIG", "GET", "databases"]])
        try
        {
            await redis.GetDatabase().ExecuteAsync(command[0], [.. command[1..]]);
            Console.WriteLine($"{args[0]} {command[0]}{options}: answered");
        }
        catch (RedisCommandException e)
        {
            Console.WriteLine($"{args[0]} {command[0]}{options}: {e.Message}");
        }
}
CS
  dotnet run --project "$version" -- "$version" 2>&1 | tee -a seen
done
diff - seen <<'SEEN'
2.13.23 INFO: answered
2.13.23 ROLE: answered
2.13.23 CONFIG: answered
2.13.23 INFO,allowAdmin=true: answered
2.13.23 ROLE,allowAdmin=true: answered
2.13.23 CONFIG,allowAdmin=true: answered
3.4.35 INFO: This operation is not available unless admin mode is enabled: INFO
3.4.35 ROLE: answered
3.4.35 CONFIG: This operation is not available unless admin mode is enabled: CONFIG
3.4.35 INFO,allowAdmin=true: answered
3.4.35 ROLE,allowAdmin=true: answered
3.4.35 CONFIG,allowAdmin=true: answered
SEEN
