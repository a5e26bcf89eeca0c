namespace Streaming.Requests;

/// <summary>A refused field, which the host answers as <see cref="ToResult"/>.</summary>
internal class InvalidRequestException(string field, string problem, int status = StatusCodes.Status400BadRequest)
    : Exception($"{field}: {problem}")
{
    public string Field { get; } = field;
    public string Problem { get; } = problem;
    public int Status { get; } = status;

    /// <summary>Refuses a filter without a value, which is probably an unset variable.</summary>
    public static InvalidRequestException Empty(string field) => new(field, "must not be empty; omit it to match all.");

    public virtual IResult ToResult() => ProblemOf(Field, Problem, Status);

    /// <summary>Creates problem details (RFC 9457) for one field of the query or body.</summary>
    public static IResult ProblemOf(string field, string message, int status = StatusCodes.Status400BadRequest) =>
        new ProblemAnswer(
            status,
            "Invalid request",
            $"{field}: {message}",
            [new("errors", new Dictionary<string, string[]> { [field] = [message] })]
        );
}
