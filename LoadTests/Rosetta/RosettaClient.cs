using System.Diagnostics;
using System.Net;
using System.Net.ServerSentEvents;
using LoadTests.Llm;
using LoadTests.Loads;
using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;
using LedgerReader = Measuring.Ledger.LedgerReader;

namespace LoadTests.Rosetta;

/// <summary>Begins one answer after the other, and reads each in all protocols.</summary>
/// <param name="scale">The most answers (its rate), and the time in which they are begun.</param>
internal sealed class RosettaClient(
    LoadRun run,
    GenerationCalls api,
    HttpClient http,
    Lane lane,
    LedgerReader account,
    int number,
    ScenarioScale scale
)
{
    private const int Drops = 5;

    /// <summary>Tokens of an answer: some seconds, so that the drops are within it.</summary>
    private const int Tokens = 300;

    private static readonly object[] Tools =
    [
        new
        {
            type = "function",
            function = new
            {
                name = "get_weather",
                parameters = new { type = "object", properties = new { city = new { type = "string" } } },
            },
        },
    ];

    private readonly GenerationStats _stats = run.Generations!;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _begun;
    private int _visits;

    /// <summary>Reads one answer. Null if that was all.</summary>
    public async Task<IResponse?> NextAsync()
    {
        if (_begun == scale.Rate || _clock.Elapsed > scale.Time)
            return null;

        _begun++;
        var began = Stopwatch.GetTimestamp();
        _stats.RecordStarted();
        try
        {
            var readers = WireReader.AllOf(await StartAsync());
            for (var visit = 0; visit < Drops * readers.Count; visit++)
            {
                await ReadAsync(readers[visit % readers.Count], most: Random.Shared.Next(1, 20));
                _stats.RecordDrop();
            }

            foreach (var reader in readers)
                while (!reader.HasEnded)
                    await ReadAsync(reader, int.MaxValue);

            return Compare(readers, Stopwatch.GetElapsedTime(began));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or LoadTestException)
        {
            _stats.RecordFailed();
            _stats.RecordUnexplained(e.Message);
            return Response.Fail<object>("broke off", e.Message);
        }
        finally
        {
            _stats.RecordEnded();
        }
    }

    /// <summary>Begins an answer: of five, one is a tool call.</summary>
    private async Task<string> StartAsync()
    {
        var isCall = (number + _begun) % 5 == 0;
        var prompt = isCall
            ? "What is the weather in Paris?"
            : $"Tell at length of answer {_begun} of client {number}.";
        var generation = await api.StartAsync(NextReplica(), prompt, Tokens, run.Reading, isCall ? Tools : null);
        run.Counters.RecordPublished();
        return generation.Id;
    }

    /// <summary>Reads some frames, and drops the connection.</summary>
    private async Task ReadAsync(WireReader reader, int most)
    {
        if (reader.HasEnded)
            return;

        var asked = Stopwatch.GetTimestamp();
        using var request = reader.Next(NextReplica());
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, run.Reading);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new LoadTestException($"GET {request.RequestUri} returned {(int)response.StatusCode}");

        var body = await response.Content.ReadAsStreamAsync(run.Reading);
        var (read, wasSilent) = (0, true);
        await foreach (var frame in SseParser.Create(body).EnumerateAsync(run.Reading))
        {
            if (wasSilent)
                run.Delivery.Record(Stopwatch.GetElapsedTime(asked));
            wasSilent = false;
            reader.Add(frame);
            if (reader.HasEnded || ++read >= most)
                return;
        }
    }

    private Response<object> Compare(IReadOnlyList<WireReader> readers, TimeSpan took)
    {
        var sequence = lane.Publisher.Next();
        lane.Publisher.Acknowledge(sequence);
        run.Counters.RecordAcknowledged();
        account.Receive(lane.Publisher.Number, sequence);

        var answers = readers.Select(reader => reader.Answer).Distinct().ToList();
        var isWhole = answers[0] is { Usage.Length: > 0 } && answers[0].Text.Length + answers[0].Calls.Length > 0;
        if (answers.Count == 1 && isWhole)
        {
            _stats.RecordCompleted(long.Parse(answers[0].Usage.Split(' ')[1]));
            return Response.Ok<object>("", 0, "", took.TotalMilliseconds);
        }

        _stats.RecordDifferent();
        return Response.Fail<object>("different", string.Join(" / ", answers));
    }

    private Uri NextReplica() => api.Replica(number + _visits++);
}
