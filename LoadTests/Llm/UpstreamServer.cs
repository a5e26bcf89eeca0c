using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace LoadTests.Llm;

/// <summary>
/// An OpenAI-compatible provider in this process, so that one clock times a token from the provider to the reader.
/// One thread paces all answers; a request's first message names the expected answer.
/// </summary>
internal sealed class UpstreamServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly ConcurrentDictionary<string, UpstreamAnswer> _expected = new();
    private readonly ConcurrentQueue<UpstreamConnection> _arrived = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Thread _pacer;
    private readonly long _interval;

    public UpstreamServer(int port, int tokensPerSecond)
    {
        _interval = Math.Max(1, Stopwatch.Frequency / tokensPerSecond);
        _listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            _listener.Start(1_024);
        }
        catch (SocketException e)
        {
            throw new LoadTestException(
                $"--llm-upstream-port {port} cannot be used ({e.Message}). Choose a free port.",
                e
            );
        }
        _ = AcceptAsync();
        _pacer = new Thread(Pace) { IsBackground = true, Name = "upstream" };
        _pacer.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Expect(string prompt, UpstreamAnswer answer) => _expected[prompt] = answer;

    public void Forget(string prompt)
    {
        if (_expected.TryRemove(prompt, out var answer))
            answer.Stop();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stopping.Token);
                socket.NoDelay = true;
                _ = ServeAsync(new UpstreamConnection(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException) { }
    }

    private async Task ServeAsync(UpstreamConnection connection)
    {
        using (connection)
        {
            try
            {
                while (await connection.ReadPromptAsync(_stopping.Token) is { } prompt)
                {
                    if (!_expected.TryGetValue(prompt, out var answer))
                    {
                        await connection.RefuseAsync(_stopping.Token);
                        return;
                    }

                    connection.Begin(answer, Stopwatch.GetTimestamp());
                    _arrived.Enqueue(connection);
                    if (!await connection.Answered)
                        return;
                }
            }
            catch (Exception e)
                when (e
                        is OperationCanceledException
                            or SocketException
                            or InvalidDataException
                            or System.Text.Json.JsonException
                ) { }
        }
    }

    private void Pace()
    {
        var connections = new List<UpstreamConnection>();
        while (!_stopping.IsCancellationRequested)
        {
            while (_arrived.TryDequeue(out var arrived))
                connections.Add(arrived);
            connections.RemoveAll(c => !c.SendDue(Stopwatch.GetTimestamp(), _interval));
            Thread.Sleep(1);
        }
        foreach (var connection in connections)
            connection.Abort();
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _listener.Dispose();
        _pacer.Join();
        _stopping.Dispose();
    }
}
