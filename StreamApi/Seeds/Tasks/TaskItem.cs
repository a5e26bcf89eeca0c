namespace StreamApi.Seeds.Tasks;

internal sealed class TaskItem
{
    public required Guid Id { get; init; }
    public required string Title { get; init; }
    public required string Status { get; set; }
    public required DateTime CreatedAt { get; init; }
    public required DateTime UpdatedAt { get; set; }
}
