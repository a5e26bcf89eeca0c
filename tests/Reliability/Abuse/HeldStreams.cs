using System.Net;

namespace Reliability.Abuse;

/// <summary>A stream that the load opens.</summary>
/// <param name="Query">Its topics and types.</param>
/// <param name="Token">Its user.</param>
internal sealed record StreamRequest(string Query, string Token)
{
    /// <summary>True: its client has a small buffer, and does not read.</summary>
    public bool IsSlow { get; init; }

    public string? LastId { get; init; }

    /// <summary>Its client's address; default: the load's.</summary>
    public IPAddress? From { get; init; }
}

/// <summary>The streams that this load process holds open.</summary>
internal static class HeldStreams
{
    private static readonly List<RawConnection> Open = [];

    /// <summary>Opens streams, by their numbers; those that are refused are closed.</summary>
    public static Task OpenAsync(
        AbuseTarget target,
        int count,
        Func<int, StreamRequest> stream,
        int threads = 1,
        CancellationToken over = default
    ) =>
        Attack.OnThreads(
            threads,
            thread =>
            {
                for (var n = thread; n < count && !over.IsCancellationRequested; n += threads)
                {
                    var held = stream(n);
                    var connection = new RawConnection(target.Next(), held.IsSlow ? 4_096 : 0, held.From);
                    connection.SendHead(
                        "GET",
                        $"/v1/events/stream?{held.Query}",
                        held.Token,
                        held.LastId is null ? "" : $"Last-Event-ID: {held.LastId}\r\n"
                    );

                    if (connection.ReadAnswer(withBody: false).Status != 200)
                        connection.Dispose();
                    else
                        lock (Open)
                            Open.Add(connection);
                }
            }
        );

    /// <summary>Runs an abuse under the open streams, and closes them unless its rehearsal leaves them to it.</summary>
    public static Func<AbuseTarget, CancellationToken, Task<string>> Under(
        Func<AbuseTarget, CancellationToken, Task<string>> abuse,
        bool keepsOpen = false
    ) =>
        async (target, over) =>
        {
            try
            {
                var did = await abuse(target, over);
                return $"{Open.Count} streams{(did.Length > 0 ? $"; {did}" : "")}";
            }
            finally
            {
                foreach (var connection in keepsOpen ? [] : Open)
                    connection.Dispose();
            }
        };
}
