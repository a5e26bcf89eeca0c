using System.Net.Http.Json;

namespace Reliability;

/// <summary>Records the answers to publishes without retries while the disk is full, and keeps the disk full.</summary>
internal sealed class PublishProbe : IFaultProbe
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly SortedDictionary<string, int> _answers = [];

    public string Remark =>
        "publish without retry answered " + string.Join(", ", _answers.Select(a => $"{a.Key} × {a.Value}"));

    public async Task AskAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        system.Disk?.Fill();
        string answer;

        try
        {
            using var response = await Http.PostAsJsonAsync(
                new Uri(system.Url, "/v1/events"),
                new
                {
                    topic = "probe.disk",
                    type = "probe",
                    data = new string('x', 4_000),
                },
                cancellationToken
            );
            answer = $"{(int)response.StatusCode}";
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            answer = "no answer";
        }

        _answers[answer] = _answers.GetValueOrDefault(answer) + 1;
    }
}
