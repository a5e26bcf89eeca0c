using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Harness.Worlds;
using LoadTests;
using LocalServices;
using Npgsql;

namespace Reliability.Failover;

/// <summary>Three Postgres servers under Patroni, and etcd, on loopback.</summary>
internal sealed class PatroniCluster(ChildProcess etcd, PatroniSettings settings, IReadOnlyList<PatroniMember> members)
    : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan CopyAfter = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan CompleteLimit = TimeSpan.FromSeconds(120);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(3) };

    public IReadOnlyList<PatroniMember> Members => members;

    /// <summary>The connection string of the services: every member by its link.</summary>
    public string ConnectionString =>
        settings
            .ConnectionString(string.Join(',', Members.Select(m => $"127.0.0.1:{m.Link.Port}")), "eventstore")
            .Replace("Pooling=false;Timeout=3", "Target Session Attributes=primary", StringComparison.Ordinal);

    public static async Task<PatroniCluster> StartAsync(
        LocalFolder folder,
        bool synchronous,
        CancellationToken cancellationToken
    )
    {
        var programs = ClusterPrograms.Find(folder);
        var (client, peer) = (FreePort.Take(), FreePort.Take());
        var etcd = StartEtcd(programs, folder, client, peer);
        var settings = new PatroniSettings(client, Secret.Create(), synchronous);
        var cluster = new PatroniCluster(
            etcd,
            settings,
            [.. Enumerable.Range(1, 3).Select(i => new PatroniMember(i, settings, programs, folder))]
        );
        try
        {
            // Patroni 3 exits if etcd does not know its version yet.
            await cluster.UntilAsync(
                async () =>
                    (await Http.GetFromJsonAsync<JsonElement>($"http://127.0.0.1:{client}/version", cancellationToken))
                        .GetProperty("etcdcluster")
                        .GetString() != "not_decided",
                StartLimit,
                "etcd starts",
                cancellationToken
            );

            // One at a time: the first creates the cluster, the others copy it.
            foreach (var member in cluster.Members)
            {
                await member.StartAsync();
                await cluster.UntilAsync(
                    async () => await RunsAsync(member, cancellationToken),
                    StartLimit,
                    $"{member.Name} starts",
                    cancellationToken
                );
            }

            await cluster.WaitUntilCompleteAsync(cancellationToken);
            var leader = await cluster.LeaderAsync(cancellationToken);
            await leader.AskAsync<object>("create database eventstore", cancellationToken);

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static ChildProcess StartEtcd(ClusterPrograms programs, LocalFolder folder, int client, int peer)
    {
        var data = Path.Combine(folder.Data, "etcd");
        LocalFolder.CreatePrivate(data, folder.As);
        return ChildProcess.Start(
            "etcd",
            [
                .. folder.As,
                programs.Etcd,
                $"--data-dir={data}/data",
                $"--listen-client-urls=http://127.0.0.1:{client}",
                $"--advertise-client-urls=http://127.0.0.1:{client}",
                $"--listen-peer-urls=http://127.0.0.1:{peer}",
                $"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                $"--initial-cluster=default=http://127.0.0.1:{peer}",
            ],
            programs.Environment(),
            folder: data
        );
    }

    /// <summary>Waits until one member leads, the others replicate from it, and a commit waits for one of them if it
    /// should. Copies the primary anew to a member that does not come back by itself, as an operator would.</summary>
    public async Task WaitUntilCompleteAsync(CancellationToken cancellationToken)
    {
        var stuck = Stopwatch.StartNew();
        await UntilAsync(
            async () =>
            {
                if (await FindLeaderAsync(cancellationToken) is not { } leader)
                    return false;

                var standbys = (
                    await leader.AskAsync<string[]>(
                        "select array(select application_name || ':' || sync_state from pg_stat_replication "
                            + "where state = 'streaming')",
                        cancellationToken
                    )
                )!;

                if (stuck.Elapsed > CopyAfter)
                {
                    stuck.Restart();
                    foreach (var member in Members.Where(m => m != leader))
                        if (!standbys.Any(s => s.StartsWith($"{member.Name}:", StringComparison.Ordinal)))
                        {
                            await Console.Error.WriteLineAsync(
                                $"{member.Name} does not replicate; it gets a copy of the primary:\n{member.LastLines}"
                            );
                            await member.StartWithoutDataAsync(cancellationToken);
                        }
                }

                return standbys.Length == Members.Count - 1
                    && (!settings.Synchronous || standbys.Any(s => s.Split(':')[1] is "sync" or "quorum"));
            },
            CompleteLimit,
            "the cluster is complete",
            cancellationToken
        );
    }

    /// <summary>Returns the member that leads.</summary>
    public async Task<PatroniMember> LeaderAsync(CancellationToken cancellationToken)
    {
        PatroniMember? leader = null;
        await UntilAsync(
            async () => (leader = await FindLeaderAsync(cancellationToken)) is not null,
            CompleteLimit,
            "a member leads",
            cancellationToken
        );

        return leader!;
    }

    /// <summary>Waits until another member than the former leader is a primary whose commits need not wait. Throws what
    /// <paramref name="breaking"/> throws.</summary>
    public async Task<PatroniMember> NextLeaderAsync(
        PatroniMember former,
        Task breaking,
        CancellationToken cancellationToken
    )
    {
        PatroniMember? next = null;
        await UntilAsync(
            async () =>
            {
                if (breaking.IsFaulted)
                    await breaking;
                foreach (var member in Members.Where(m => m != former))
                    if (await AcceptsWritesAsync(member, cancellationToken))
                        next = member;
                return next is not null;
            },
            CompleteLimit,
            "another member has become the primary",
            cancellationToken
        );

        return next!;
    }

    /// <summary>Lets Patroni move the leadership in an orderly way, as <c>patronictl switchover</c> does.</summary>
    public static async Task SwitchOverAsync(PatroniMember leader, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        // Patroni refuses a body without a length, which PostAsJsonAsync sends.
        using var body = new StringContent($$"""{"leader":"{{leader.Name}}"}""");
        using var response = await http.PostAsync(
            $"http://127.0.0.1:{leader.RestPort}/switchover",
            body,
            cancellationToken
        );
        if (!response.IsSuccessStatusCode)
            throw new LoadTestException(
                $"Patroni refused the switchover: {await response.Content.ReadAsStringAsync(cancellationToken)}\n"
                    + leader.LastLines
            );
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in Members)
            await member.DisposeAsync();
        await etcd.DisposeAsync();
    }

    // Asks Postgres: a primary that was frozen says to Patroni's clients that it leads until it is demoted.
    private async Task<PatroniMember?> FindLeaderAsync(CancellationToken cancellationToken)
    {
        foreach (var member in Members)
            if (await AcceptsWritesAsync(member, cancellationToken))
                return member;
        return null;
    }

    private static async Task<bool> RunsAsync(PatroniMember member, CancellationToken cancellationToken)
    {
        try
        {
            var state = await Http.GetFromJsonAsync<JsonElement>(
                $"http://127.0.0.1:{member.RestPort}/patroni",
                cancellationToken
            );
            return state.GetProperty("state").GetString() == "running";
        }
        catch (Exception e) when (IsNoAnswer(e, cancellationToken))
        {
            return false;
        }
    }

    private async Task<bool> AcceptsWritesAsync(PatroniMember member, CancellationToken cancellationToken)
    {
        try
        {
            return await member.AskAsync<bool>(
                $"""
                select not pg_is_in_recovery() and count(*) >= {(settings.Synchronous ? 1 : 0)}
                from pg_stat_replication where sync_state in ('sync', 'quorum')
                """,
                cancellationToken
            );
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            return false;
        }
    }

    private Task UntilAsync(
        Func<Task<bool>> condition,
        TimeSpan limit,
        string what,
        CancellationToken cancellationToken
    ) =>
        Eventually.HoldsAsync(
            condition,
            what,
            () => string.Join('\n', Members.Select(m => $"{m.Name}:\n{m.LastLines}")),
            limit,
            cancellationToken
        );

    private static bool IsNoAnswer(Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or JsonException or KeyNotFoundException
        || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}
