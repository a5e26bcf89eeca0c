using Harness;
using LocalServices;
using Measuring;
using Npgsql;

namespace Reliability.Failover;

/// <summary>A Postgres server under Patroni. Clients, the other members and etcd are reached only by links that can be
/// cut.</summary>
internal sealed class PatroniMember : IAsyncDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    private readonly FaultyLink _etcd;
    private readonly FaultyLink _rest;
    private readonly string _password;
    private readonly string _folder;
    private readonly string _configuration;
    private readonly Lock _gate = new();
    private readonly string _log;
    private readonly int _port;
    private readonly string[] _command;
    private readonly Dictionary<string, string> _environment;
    private ChildProcess? _process;
    private IReadOnlyList<int> _frozen = [];

    public PatroniMember(int number, PatroniSettings settings, ClusterPrograms programs, LocalFolder folder)
    {
        Name = $"m{number}";
        _log = Path.Combine(ReliabilitySuite.Folder, $"failover-{Name}-{DateTime.UtcNow:HHmmss}.log");
        _password = settings.Password;
        _folder = Path.Combine(folder.Data, Name);
        LocalFolder.CreatePrivate(_folder, folder.As);
        _port = FreePort.Take();
        RestPort = FreePort.Take();
        _etcd = new FaultyLink("127.0.0.1", settings.EtcdPort);
        _rest = new FaultyLink("127.0.0.1", RestPort);
        Link = new FaultyLink("127.0.0.1", _port);

        _configuration = Path.Combine(_folder, "patroni.yml");
        File.WriteAllText(
            _configuration,
            settings.Text(Name, _folder, programs.Postgres, new(_port, Link.Port, RestPort, _rest.Port, _etcd.Port))
        );
        LocalFolder.Give(_configuration, folder.As);
        _command = [.. folder.As, ClusterPrograms.Interpreter, "-m", "patroni", _configuration];
        _environment = programs.Environment();
        Direct = settings.ConnectionString($"127.0.0.1:{_port}", "postgres");
    }

    public string Name { get; }

    /// <summary>The port of Patroni's REST interface, without a link.</summary>
    public int RestPort { get; }

    /// <summary>The way of clients and of the other members to this Postgres.</summary>
    public FaultyLink Link { get; }

    /// <summary>The connection string of this Postgres, without a link and without a pool.</summary>
    public string Direct { get; }

    public string Output => _process?.Output ?? "";

    public string LastLines => string.Join('\n', Output.Split('\n').TakeLast(10));

    /// <summary>Starts Patroni, which starts Postgres.</summary>
    public async Task StartAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = ChildProcess.Start(Name, _command, _environment, folder: _folder);
        _process.Printed += Log;
    }

    /// <summary>Keeps every line: in a cut, Patroni prints more than <see cref="Output"/> has.</summary>
    private void Log(string line)
    {
        lock (_gate)
            File.AppendAllText(_log, $"{line}\n");
    }

    /// <summary>Throws this member's data away and starts Patroni, which copies the primary.</summary>
    /// <remarks>Waits until the port is free. Debian's Patroni 3.0 repairs a copy whose first start failed by a
    /// recovery that adds to its log; the copy is then ahead of the primary for ever
    /// (https://github.com/patroni/patroni/issues/1234).</remarks>
    public async Task StartWithoutDataAsync(CancellationToken cancellationToken)
    {
        for (Kill(); Processes().Count > 0; Kill())
            await Task.Delay(50, cancellationToken);
        Directory.Delete(Path.Combine(_folder, "data"), recursive: true);
        await StartAsync();
    }

    /// <summary>Kills Patroni and Postgres.</summary>
    public void Kill() => Signal(Processes(), Signals.Kill);

    public void Freeze() => Signal(_frozen = Processes(), Signals.Stop);

    /// <summary>Lets Postgres go on, and starts its Patroni again.</summary>
    /// <remarks>Debian's Patroni 3.0.2 would take the leadership back from the new primary, if it was frozen between
    /// reading and renewing it, and the cluster would lose what that one has acknowledged; 3.0.3 does not
    /// (https://github.com/patroni/patroni/pull/2689).</remarks>
    public async Task ThawAsync()
    {
        var postgres = Postmasters().SelectMany(ProcessTable.WithDescendants).ToHashSet();
        Signal(_frozen.Where(pid => !postgres.Contains(pid)), Signals.Kill);
        Signal(_frozen.Where(postgres.Contains).Reverse(), Signals.Continue);
        _frozen = [];
        await StartAsync();
    }

    /// <summary>Cuts this member off from clients, members and etcd.</summary>
    /// <param name="silent">True: connections stay open and nothing passes. False: they are closed and refused.</param>
    public void CutOff(bool silent)
    {
        foreach (var link in (FaultyLink[])[Link, _rest, _etcd])
            if (silent)
                link.Freeze();
            else
                link.Cut();
    }

    public void Heal()
    {
        foreach (var link in (FaultyLink[])[Link, _rest, _etcd])
            link.Heal();
    }

    /// <summary>Stops what sends the log to the standbys: they get nothing more.</summary>
    public async Task StopReplicationAsync(CancellationToken cancellationToken) =>
        Signal(
            (await AskAsync<int[]>("select array(select pid from pg_stat_replication)", cancellationToken))!,
            Signals.Stop
        );

    /// <summary>Runs a statement on this server and returns its value.</summary>
    /// <remarks>On a thread that may block: this process handles sockets on their own thread, where the end of a
    /// connection would wait for itself.</remarks>
    public Task<T?> AskAsync<T>(string sql, CancellationToken cancellationToken, string database = "postgres") =>
        Task.Run(
            () =>
            {
                using var connection = new NpgsqlConnection($"{Direct};Database={database}");
                connection.Open();
                using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 30 };
                return command.ExecuteScalar() is T value ? value : default;
            },
            cancellationToken
        );

    public async ValueTask DisposeAsync()
    {
        // Its data are thrown away, so nothing needs to end in order. But a Postgres that is killed leaves its shared
        // memory on the machine.
        Signal(Processes(), Signals.Quit);
        using var limit = new CancellationTokenSource(EndLimit);
        while (Processes().Count > 0 && !limit.IsCancellationRequested)
            await Task.Delay(50, CancellationToken.None);

        Kill();

        if (_process is not null)
            await _process.DisposeAsync();

        foreach (var link in (FaultyLink[])[Link, _rest, _etcd])
            await link.DisposeAsync();
    }

    /// <summary>Returns Patroni, then Postgres, which Patroni starts as a daemon of its own.</summary>
    private List<int> Processes() =>
        [
            .. (_process?.Processes ?? [])
                .Concat(Postmasters().SelectMany(ProcessTable.WithDescendants))
                .Where(ProcessTable.Exists)
                .Distinct(),
        ];

    /// <summary>Finds servers by their arguments: Patroni may delete the folder, and so postmaster.pid, under one that
    /// still runs.</summary>
    private IEnumerable<int> Postmasters()
    {
        var data = Path.Combine(_folder, "data");
        return ProcessTable
            .Pids()
            .Where(pid => ProcessTable.Arguments(pid) is [_, "-D", var folder, ..] && folder == data);
    }

    private static void Signal(IEnumerable<int> pids, int signal)
    {
        foreach (var pid in pids)
            Signals.Send(pid, signal);
    }
}
