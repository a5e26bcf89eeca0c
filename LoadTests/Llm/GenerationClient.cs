using System.Diagnostics;
using AspireSse.Client;
using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;
using LedgerReader = Measuring.Ledger.LedgerReader;

namespace LoadTests.Llm;

/// <summary>A client that starts one generation after the other, reads each to
/// its end across drops, and verifies it. Supports one call at a time.</summary>
internal sealed class GenerationClient(
    LoadRun run,
    GenerationPlan plan,
    GenerationCalls api,
    UpstreamServer? upstream,
    Lane lane,
    LedgerReader account,
    int replica
) : IAsyncDisposable
{
    private readonly GenerationStats _stats = run.Generations!;
    private GenerationReader? _reader;
    private StartedGeneration? _generation;
    private UpstreamAnswer? _answer;
    private string _prompt = "";
    private int _count;
    private int _replica = replica;
    private Uri _on = api.Replica(replica);
    private long _dropAt = long.MaxValue;
    private long _requestedAt;

    /// <summary>Waits for the next token, or for the verification after
    /// the last one. Returns null when the time is over.</summary>
    public async Task<IResponse?> NextAsync()
    {
        try
        {
            if (_reader is null && !await StartAsync())
                return null;

            if (await _reader!.NextAsync() is { } milliseconds)
            {
                if (_reader.IsCaughtUp && Stopwatch.GetTimestamp() >= _dropAt)
                {
                    await _reader.DropAndReturnAsync(TimeSpan.FromSeconds(0.1 + (Random.Shared.NextDouble() * 0.5)));
                    _dropAt = plan.NextDrop();
                }
                return Response.Ok<object>("", 0, "", milliseconds);
            }

            var response = await VerifyAsync(_reader, _reader.End!);
            await CloseAsync();
            return response;
        }
        catch (Exception e)
            when (e is SseException or HttpRequestException or LoadTestException or IOException
                || (e is TaskCanceledException && !run.Reading.IsCancellationRequested)
            )
        {
            var wasStarted = _reader is not null;
            var failedAt = Stopwatch.GetTimestamp();
            // A 204 for a generation without an end is a server error that no fault explains.
            var explained =
                _reader is not { EndedSilently: true }
                && run.Faults.ExplainsRefusal(wasStarted ? failedAt : _requestedAt, failedAt);
            await CloseAsync();
            // The reader stops here, so this failure accounts for the remaining tokens.
            RecordFailure(
                explained,
                wasStarted
                    ? $"{_generation!.Id} broke off: {e.Message}"
                    : $"no generation started on {_on}: {e.Message}"
            );
            _stats.RecordFailed();

            if (!wasStarted)
                await SwitchReplicaAsync();

            return Response.Fail<object>("broke off", e.Message);
        }
    }

    private async Task<bool> StartAsync()
    {
        if (plan.NextTokens(_count, lane.Publisher.Number) is not { } tokens)
            return false;

        if (_count++ == 0)
            await Task.Delay(plan.Stagger(lane.Publisher.Number), run.Reading);

        // The demo provider gives the same answer to the same prompt.
        _prompt = upstream is null
            ? "Tell at length of a train, a tunnel, and an answer that outlives its readers."
            : $"{run.Root} {lane.Publisher.Number} {_count}";

        if (upstream is not null)
            upstream.Expect(_prompt, _answer = new UpstreamAnswer(run, lane, tokens));
        if (_count == 1)
            _dropAt = plan.NextDrop();

        _on = api.Replica(_replica);
        _requestedAt = Stopwatch.GetTimestamp();
        _generation = await api.StartAsync(_on, _prompt, tokens, run.Reading);
        _stats.RecordStarted();
        run.Publish.Record(Stopwatch.GetElapsedTime(_requestedAt));
        _reader = new GenerationReader(run, lane, account, _generation, isFirst: _count == 1, _requestedAt, _answer);

        return true;
    }

    /// <summary>Waits a moment and moves to the next replica after one failed to start a generation.</summary>
    private async Task SwitchReplicaAsync()
    {
        _replica++;
        await Task.Delay(TimeSpan.FromSeconds(0.5 + (0.5 * Random.Shared.NextDouble())), run.Reading);
    }

    private async Task<IResponse> VerifyAsync(GenerationReader reader, SseEvent end)
    {
        var state = await api.GetAsync(_generation!.Id, run.Reading);

        if (_answer is null)
            await CountEventsAsync(reader);

        if (state.Text != reader.Text || !MatchesUpstream(reader.Text, isWhole: state.Status == "done"))
        {
            _stats.RecordDifferent();
            return Response.Fail<object>(
                "text",
                $"The text of {_generation.Id} differs: {reader.Text.Length} characters were read, the server has "
                    + $"{state.Text.Length}, the upstream sent {_answer?.Text.Length}."
            );
        }

        if (state.Status == "done")
        {
            _stats.RecordCompleted(state.Usage?.OutputTokens ?? 0);
            return Response.Ok<object>("", 0, "", 0.001);
        }

        if (state.Status == "interrupted")
            _stats.RecordInterrupted();
        else
            _stats.RecordFailed();

        RecordFailure(
            run.Faults.ExplainsEnd(_on.Port, _requestedAt, Stopwatch.GetTimestamp()),
            $"{_generation.Id} on {_on} ended as {state.Status}: {end.Data}"
        );
        return Response.Fail<object>(state.Status, end.Data);
    }

    private bool MatchesUpstream(string text, bool isWhole) =>
        _answer is null || (isWhole ? _answer.Text == text : _answer.Text.StartsWith(text, StringComparison.Ordinal));

    /// <summary>
    /// Excuses the missing tokens when a fault explains the failure: text that a broken replica had not stored is gone,
    /// and reported as gone. Otherwise records a failure, and the tokens count as lost.
    /// </summary>
    private void RecordFailure(bool isExplained, string what)
    {
        _answer?.Stop();
        if (isExplained)
            account.ExcuseMissing();
        else
            _stats.RecordUnexplained(what);
    }

    /// <summary>Counts by event when tokens carry no sequence: a second
    /// reader, from the start, gives the complete order.</summary>
    private async Task CountEventsAsync(GenerationReader reader)
    {
        var sequences = new Dictionary<string, long>();
        await foreach (
            var received in run
                .Client.Open(new SseRequest(_generation!.Stream), run.StreamOptions)
                .WithCancellation(run.Reading)
        )
        {
            if (received.Type is "done" or "error")
                break;
            if (received.Type != "token")
                continue;

            sequences[received.Id] = lane.Publisher.Next();
            lane.Publisher.Acknowledge(sequences[received.Id], received.Id);
            run.Counters.RecordPublished();
            run.Counters.RecordAcknowledged();
        }

        foreach (var id in reader.Ids)
            account.Receive(lane.Publisher.Number, sequences.GetValueOrDefault(id));
    }

    public async ValueTask DisposeAsync() => await CloseAsync();

    private async Task CloseAsync()
    {
        upstream?.Forget(_prompt);
        if (_reader is null)
            return;
        _stats.RecordEnded();
        await _reader.DisposeAsync();
        _reader = null;
    }
}
