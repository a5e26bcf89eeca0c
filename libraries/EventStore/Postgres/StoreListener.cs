using System.Data;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>The connection of this process that listens to Postgres, on the channels of all who ask. Each commit that
/// notifies wakes every listening session of the database, so a process has one. Thread-safe.</summary>
internal sealed class StoreListener(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    TimeProvider clock,
    ILogger<StoreListener> logger
) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly List<Subscription> _all = [];
    private CancellationTokenSource _changed = new();
    private bool _isRunning;
    private bool _isDisposed;

    /// <summary>Listens on a channel until the result is disposed, and again on a new connection whenever one
    /// breaks.</summary>
    /// <param name="channel">An SQL identifier; not quoted, so never a client's text.</param>
    /// <param name="listening">Called when a connection listens. Earlier commits are not notified.</param>
    /// <param name="notified">Called with the payload of each notification; must not block.</param>
    public IDisposable Listen(string channel, Action listening, Action<string> notified)
    {
        var subscription = new Subscription(this, channel, listening, notified);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _all.Add(subscription);
            _ = _changed.CancelAsync();
            if (_isRunning)
                return subscription;
            _isRunning = true;
        }

        using var flow = CallerContext.Suppress();
        // Not awaited: with a frozen Postgres it ends only after seconds, and no caller must wait.
        _ = RunAsync();
        return subscription;
    }

    /// <summary>Ends all that listens, before the pool is disposed, too.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _all.Clear();
            _ = _changed.CancelAsync();
        }
    }

    private async Task RunAsync()
    {
        while (TryNext(out _, out _))
        {
            try
            {
                await ListenAsync();
            }
            catch (Exception) when (!IsAsked) { }
            catch (Exception e)
            {
                logger.LogWarning(
                    "Postgres does not notify of new events, so the log is polled until it does: {Reason}",
                    e.Message
                );
                await Task.Delay(Pause, clock, CancellationToken.None);
            }
        }
    }

    /// <summary>Listens on one connection until nobody asks any more, or it breaks.</summary>
    private async Task ListenAsync()
    {
        var connection = await store.OpenDirectAsync(CancellationToken.None);
        List<Subscription> listening = [];
        NotificationEventHandler note = (_, e) =>
        {
            foreach (var subscription in listening)
                if (subscription.Channel == e.Channel)
                    subscription.Notified(e.Payload);
        };
        connection.Notification += note;

        try
        {
            while (TryNext(out var wanted, out var changed))
            {
                await ChangeAsync(connection, listening, wanted);
                try
                {
                    while (true)
                        await connection.WaitAsync(changed);
                }
                catch (OperationCanceledException) when (changed.IsCancellationRequested) { }
            }
        }
        finally
        {
            connection.Notification -= note;
            // Not awaited: a frozen host does not answer.
            _ = ReturnAsync(connection);
        }
    }

    /// <summary>Begins to listen for those who are new, and ends it on a channel that nobody asks for any
    /// more.</summary>
    private static async Task ChangeAsync(
        NpgsqlConnection connection,
        List<Subscription> listening,
        IReadOnlyList<Subscription> wanted
    )
    {
        var channels = listening.Select(subscription => subscription.Channel).ToHashSet();
        listening.RemoveAll(subscription => !wanted.Contains(subscription));
        foreach (var unheard in channels.Except(wanted.Select(subscription => subscription.Channel)))
            await RunAsync(connection, $"unlisten {unheard}");

        foreach (var subscription in wanted.Except(listening).ToList())
        {
            await RunAsync(connection, $"listen {subscription.Channel}");
            listening.Add(subscription);
            subscription.Listening();
        }
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>Returns those who ask now, with a token that is cancelled when others do; false if nobody
    /// does.</summary>
    private bool TryNext(out Subscription[] wanted, out CancellationToken changed)
    {
        lock (_gate)
        {
            if (_changed.IsCancellationRequested)
                _changed = new CancellationTokenSource();
            wanted = [.. _all];
            changed = _changed.Token;
            return _isRunning = wanted.Length > 0;
        }
    }

    private bool IsAsked
    {
        get
        {
            lock (_gate)
                return _all.Count > 0;
        }
    }

    private void End(Subscription subscription)
    {
        lock (_gate)
        {
            _all.Remove(subscription);
            _ = _changed.CancelAsync();
        }
    }

    private static async Task ReturnAsync(NpgsqlConnection connection)
    {
        try
        {
            // The pool does not reset connections.
            await using var _ = connection;
            if (connection.State == ConnectionState.Open)
                await RunAsync(connection, "unlisten *");
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or ObjectDisposedException)
        { /* the pool drops the broken connection */
        }
    }

    private sealed class Subscription(StoreListener listener, string channel, Action listening, Action<string> notified)
        : IDisposable
    {
        public string Channel => channel;
        public Action Listening => listening;
        public Action<string> Notified => notified;

        public void Dispose() => listener.End(this);
    }
}
