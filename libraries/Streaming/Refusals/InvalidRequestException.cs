using Microsoft.AspNetCore.WebUtilities;
using Streaming.Refusals;

namespace AspireSse.Server;

/// <summary>Refuses a request because of one of its fields: a member of its body, a parameter, a header. Endpoints with
/// <see cref="StreamEndpoints.RefusesErrors"/>, and streams, answer it as <see cref="ToResult"/>.</summary>
/// <remarks>Needed by an endpoint that refuses a request and names the wrong field.</remarks>
/// <param name="field">The field, as the client named it.</param>
/// <param name="problem">The problem, as the rest of a sentence that begins with the name: "must be a number."</param>
/// <param name="status">The status of the answer, from 400 to 499.</param>
public class InvalidRequestException(string field, string problem, int status = StatusCodes.Status400BadRequest)
    : Exception($"{field}: {problem}")
{
    /// <summary>The refused field.</summary>
    public string Field { get; } = field;

    /// <summary>The problem, as the rest of a sentence that begins with the name of the field.</summary>
    public string Problem { get; } = problem;

    /// <summary>The status of the answer.</summary>
    public int Status { get; } =
        status is >= 400 and < 500
            ? status
            : throw new ArgumentOutOfRangeException(nameof(status), status, "A refused request is a 4xx.");

    /// <summary>Refuses a filter without a value, which is probably an unset variable.</summary>
    public static InvalidRequestException Empty(string field) => new(field, "must not be empty; omit it to match all.");

    /// <summary>Returns the answer: problem details, unless the endpoint has a format of its own.</summary>
    public virtual IResult ToResult() => ProblemOf(Field, Problem, Status);

    /// <summary>Creates problem details (RFC 9457) for one field of the query or body.</summary>
    public static IResult ProblemOf(string field, string message, int status = StatusCodes.Status400BadRequest) =>
        new ProblemAnswer(
            status,
            TitleOf(status),
            $"{field}: {message}",
            [new("errors", new Dictionary<string, string[]> { [field] = [message] })]
        );

    /// <summary>Returns the phrase of the status, but "Invalid request" for a 400, whose phrase says nothing of the
    /// cause.</summary>
    internal static string TitleOf(int status) =>
        status != StatusCodes.Status400BadRequest && ReasonPhrases.GetReasonPhrase(status) is { Length: > 0 } phrase
            ? phrase
            : "Invalid request";
}
