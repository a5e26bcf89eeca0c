using System.Diagnostics;
using AspireSse.Client;
using Ledger;
using LoadTests.Running;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Llm;

/// <summary>A client that asks for one generation after the other, reads each to its end over drops and returns, and
/// judges it. One call at a time.</summary>
internal sealed class GenerationClient(
    LoadRun run,
    GenerationPlan plan,
    GenerationFigures figures,
    GenerationApi api,
    FakeUpstream? upstream,
    Lane lane,
    LedgerReader account,
    int replica
) : IAsyncDisposable
{
    private GenerationReader? _reader;
    private BegunGeneration? _generation;
    private UpstreamAnswer? _answer;
    private string _prompt = "";
    private int _count,
        _replica = replica;
    private Uri _on = api.Replica(replica);
    private long _dropAt = long.MaxValue,
        _askedAt;

    /// <summary>Waits for the next token, and for the judgement after the last; null when it is time to go.</summary>
    public async Task<IResponse?> NextAsync()
    {
        try
        {
            if (_reader is null && !await BeginAsync())
                return null;
            if (await _reader!.NextAsync() is { } milliseconds)
            {
                if (_reader.IsLevel && Stopwatch.GetTimestamp() >= _dropAt)
                {
                    await _reader.DropAndReturnAsync(TimeSpan.FromSeconds(0.1 + (Random.Shared.NextDouble() * 0.5)));
                    _dropAt = plan.NextDrop();
                }
                return Response.Ok<object>("", 0, "", milliseconds);
            }
            var response = await JudgeAsync(_reader, _reader.End!);
            await EndAsync();
            return response;
        }
        catch (Exception e)
            when (e is SseException or HttpRequestException or LoadTestException or IOException
                || (e is TaskCanceledException && !run.Reading.IsCancellationRequested)
            )
        {
            var (wasBegun, failedAt) = (_reader is not null, Stopwatch.GetTimestamp());
            // A server that says there is no more, and there is: no fault explains that.
            var explained =
                _reader is not { EndedSilently: true }
                && run.Faults.ExplainsRefusal(wasBegun ? failedAt : _askedAt, failedAt);
            await EndAsync();
            // Nobody reads on: what was still to come is told by the failure.
            Excuse(
                explained,
                wasBegun ? $"{_generation!.Id} broke off: {e.Message}" : $"none could be begun on {_on}: {e.Message}"
            );
            figures.FailedOne();
            if (!wasBegun)
                await TurnAsync();
            return Response.Fail<object>("broke off", e.Message);
        }
    }

    private async Task<bool> BeginAsync()
    {
        if (plan.NextTokens(_count, lane.Publisher.Number) is not { } tokens)
            return false;
        if (_count++ == 0)
            await Task.Delay(plan.Stagger(lane.Publisher.Number), run.Reading);
        // The demo provider says the same to the same prompt.
        _prompt = upstream is null
            ? "Tell at length of a train, a tunnel, and an answer that outlives its readers."
            : $"{run.Root} {lane.Publisher.Number} {_count}";
        if (upstream is not null)
            upstream.Expect(_prompt, _answer = new UpstreamAnswer(run, lane, tokens));
        if (_count == 1)
            _dropAt = plan.NextDrop();
        (_on, _askedAt) = (api.Replica(_replica), Stopwatch.GetTimestamp());
        _generation = await api.BeginAsync(_on, _prompt, tokens, run.Reading);
        figures.BegunOne();
        run.Publish.Record(Stopwatch.GetElapsedTime(_askedAt));
        _reader = new GenerationReader(
            run,
            figures,
            lane,
            account,
            _generation,
            isFirst: _count == 1,
            _askedAt,
            _answer
        );
        return true;
    }

    /// <summary>One that cannot begin anything is not asked at once again, and others first.</summary>
    private async Task TurnAsync()
    {
        _replica++;
        await Task.Delay(TimeSpan.FromSeconds(0.5 + (0.5 * Random.Shared.NextDouble())), run.Reading);
    }

    private async Task<IResponse> JudgeAsync(GenerationReader reader, SseEvent end)
    {
        var told = await api.AskAsync(_generation!.Id, run.Reading);
        if (_answer is null)
            await CountAsync(reader);
        if (told.Text != reader.Text || !IsUpstreams(reader.Text, isWhole: told.Status == "done"))
        {
            figures.IsDifferent();
            return Response.Fail<object>(
                "text",
                $"The text of {_generation.Id} as read has {reader.Text.Length} characters; the server tells {told.Text.Length}, the upstream said {_answer?.Text.Length}."
            );
        }
        if (told.Status == "done")
        {
            figures.DoneWith(told.Usage?.OutputTokens ?? 0);
            return Response.Ok<object>("", 0, "", 0.001);
        }
        if (told.Status == "interrupted")
            figures.InterruptedOne();
        else
            figures.FailedOne();
        Excuse(
            run.Faults.ExplainsEnd(_on.Port, _askedAt, Stopwatch.GetTimestamp()),
            $"{_generation.Id} on {_on} ended as {told.Status}: {end.Data}"
        );
        return Response.Fail<object>(told.Status, end.Data);
    }

    private bool IsUpstreams(string text, bool isWhole) =>
        _answer is null || (isWhole ? _answer.Text == text : _answer.Text.StartsWith(text, StringComparison.Ordinal));

    /// <summary>
    /// What a broken replica is not there to finish is not held against the others: what was said and not stored is
    /// gone with it, and said to be. What no fault
    /// explains is a failure, and its tokens are lost.
    /// </summary>
    private void Excuse(bool isExplained, string what)
    {
        _answer?.Stop();
        if (isExplained)
            account.ExcuseMissing();
        else
            figures.Unexplained(what);
    }

    /// <summary>Where tokens carry no sequence, the events do: a second reader, from the start, says which there are
    /// and in which order.</summary>
    private async Task CountAsync(GenerationReader reader)
    {
        var sequences = new Dictionary<string, long>();
        await foreach (
            var e in run
                .Client.Open(new SseRequest(_generation!.Stream), run.StreamOptions)
                .WithCancellation(run.Reading)
        )
        {
            if (e.Type is "done" or "error")
                break;
            if (e.Type != "token")
                continue;
            sequences[e.Id] = lane.Publisher.Next();
            lane.Publisher.Acknowledge(sequences[e.Id], e.Id);
            run.Counters.PublishedOne();
            run.Counters.AcknowledgedOne();
        }
        foreach (var id in reader.Ids)
            account.Receive(lane.Publisher.Number, sequences.GetValueOrDefault(id));
    }

    public async ValueTask DisposeAsync() => await EndAsync();

    private async Task EndAsync()
    {
        upstream?.Forget(_prompt);
        if (_reader is null)
            return;
        figures.EndedOne();
        await _reader.DisposeAsync();
        _reader = null;
    }
}
