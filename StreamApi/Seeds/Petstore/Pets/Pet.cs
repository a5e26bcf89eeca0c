namespace StreamApi.Seeds.Petstore;

/// <summary>A kind of pet in the shop.</summary>
internal sealed class Pet
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Species { get; init; }
    public required string Breed { get; init; }
    public decimal Price { get; set; }
    public int Stock { get; set; }
}

/// <summary>A refusal of the shop with its status code.</summary>
internal sealed record Refusal(string Field, string Message, int Status)
{
    public static Refusal UnknownPet(string id) =>
        new("petId", $"there is no pet '{id}'.", StatusCodes.Status404NotFound);

    public IResult ToResult() => InvalidRequestException.ProblemOf(Field, Message, Status);
}
