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
