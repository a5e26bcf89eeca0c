using Reliability.Abuse;

namespace Reliability.Compose;

/// <summary>Counts the answers of all requests by status.</summary>
internal sealed class AnswerLog : DelegatingHandler
{
    private readonly AnswerCounts _answers = new();

    /// <summary>Server errors that do not tell the client when to come back.</summary>
    public int Bad =>
        _answers.All.Where(a => a.Key.StartsWith('5') && a.Key != "503 with Retry-After").Sum(a => a.Value);

    public override string ToString() => _answers.ToString();

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
                _answers.Count(answer);
        }
    }
}
