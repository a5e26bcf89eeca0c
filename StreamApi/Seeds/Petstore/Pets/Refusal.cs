namespace StreamApi.Seeds.Petstore;

/// <summary>A refusal of the shop with its status code.</summary>
internal sealed record Refusal(string Field, string Message, int Status)
{
    public static Refusal UnknownPet(string id) =>
        new("petId", $"there is no pet '{id}'.", StatusCodes.Status404NotFound);

    public IResult ToResult() => InvalidRequestException.ProblemOf(Field, Message, Status);
}
