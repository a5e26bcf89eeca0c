namespace StreamApi.Requests;

/// <summary>A request that is refused because of one of its fields; <see cref="StreamEndpoints.RefusesInvalid"/> makes
/// the answer of it.</summary>
internal class InvalidRequestException(string field, string problem, int status = StatusCodes.Status400BadRequest)
    : Exception($"{field}: {problem}")
{
    public string Field { get; } = field;
    public string Problem { get; } = problem;
    public int Status { get; } = status;

    public virtual IResult ToResult() => Problems.Field(Field, Problem, Status);
}
