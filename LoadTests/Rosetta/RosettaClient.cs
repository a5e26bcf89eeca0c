using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using LoadTests.Llm;
using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;
using LedgerReader = Measuring.Ledger.LedgerReader;

namespace LoadTests.Rosetta;

/// <summary>Begins one answer after the other, and reads each in all protocols.</summary>
internal sealed class RosettaClient(LoadRun run, HttpClient http, Lane lane, LedgerReader account, int number)
{
    private const int Drops = 5;

    /// <summary>Tokens of an answer: some seconds, so that the drops are within it.</summary>
    private const int Tokens = 300;

    private readonly GenerationStats _stats = run.Generations!;
    private int _visits;

    /// <summary>The answers so far.</summary>
    public int Count { get; set; }

    public async Task<IResponse> NextAsync()
    {
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
            Count++;
            _stats.RecordEnded();
        }
    }

    /// <summary>Begins an answer: of five, one is a tool call.</summary>
    private async Task<string> StartAsync()
    {
        var isCall = (number + Count) % 5 == 0;
        var content = isCall
            ? "What is the weather in Paris?"
            : $"Tell at length of answer {Count} of client {number}.";
        object[] tools =
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

        using var response = await http.PostAsJsonAsync(
            new Uri(NextReplica(), "/v1/generations"),
            new
            {
                model = "demo",
                max_tokens = Tokens,
                messages = new[] { new { role = "user", content } },
                tools = isCall ? tools : null,
            },
            run.Reading
        );
        if (!response.IsSuccessStatusCode)
            throw new LoadTestException(
                $"POST /v1/generations returned {(int)response.StatusCode}: "
                    + await response.Content.ReadAsStringAsync(run.Reading)
            );

        run.Counters.RecordPublished();
        var generation = await response.Content.ReadFromJsonAsync<StartedGeneration>(run.Reading);
        return generation?.Id ?? throw new LoadTestException("The server answered null instead of a generation.");
    }

    /// <summary>Reads some frames, and drops the connection.</summary>
    private async Task ReadAsync(WireReader reader, int most)
    {
        if (reader.HasEnded)
            return;

        var asked = Stopwatch.GetTimestamp();
        using var request = reader.Next(NextReplica());
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, run.Reading);
        if (response.StatusCode != System.Net.HttpStatusCode.OK)
            throw new LoadTestException($"GET {request.RequestUri} returned {(int)response.StatusCode}");

        var body = await response.Content.ReadAsStreamAsync(run.Reading);
        var (read, wasSilent) = (0, true);
        await foreach (var frame in SseParser.Create(body).EnumerateAsync(run.Reading))
        {
            if (wasSilent)
                run.Delivery.Record(Stopwatch.GetElapsedTime(asked));
            wasSilent = false;
            reader.Take(frame);
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

    private Uri NextReplica()
    {
        var replicas = run.Replicas.Replicas;
        return replicas[(number + _visits++) % replicas.Count].Address;
    }
}
