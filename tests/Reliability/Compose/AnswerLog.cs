using System.Collections.Concurrent;
using System.Globalization;

namespace Reliability.Compose;

/// <summary>Counts the answers of all requests by status.</summary>
internal sealed class AnswerLog : DelegatingHandler
{
    private readonly ConcurrentDictionary<string, int> _answers = new();

    /// <summary>Server errors that do not tell the client when to come back.</summary>
    public int Bad => _answers.Where(a => IsBad(a.Key)).Sum(a => a.Value);

    public override string ToString() =>
        string.Join(
            ", ",
            _answers
                .OrderBy(a => a.Key, StringComparer.Ordinal)
                .Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Key} × {a.Value}"))
        );

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        var answer = "no answer";
        try
        {
            var response = await base.SendAsync(request, cancellationToken);
            var status = (int)response.StatusCode;
            answer = status < 500 || response.Headers.RetryAfter is null ? $"{status}" : $"{status} with Retry-After";
            return response;
        }
        finally
        {
            if (!cancellationToken.IsCancellationRequested)
                _answers.AddOrUpdate(answer, 1, (_, count) => count + 1);
        }
    }

    private static bool IsBad(string answer) => answer.StartsWith('5') && answer != "503 with Retry-After";
}
