namespace StreamApi.Requests;

/// <summary>A request that is refused because of one of its fields; <see cref="StreamEndpoints.RefusesInvalid"/> makes the answer of it.</summary>
internal sealed class InvalidRequestException(string field, string problem, int status = StatusCodes.Status400BadRequest) : Exception($"{field}: {problem}")
{
    public IResult ToResult() => Problems.Field(field, problem, status);
}
