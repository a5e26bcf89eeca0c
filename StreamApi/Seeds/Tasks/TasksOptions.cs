using System.ComponentModel.DataAnnotations;

namespace StreamApi.Seeds.Tasks;

/// <summary>Lifetime of tasks; section <c>Tasks</c>.</summary>
internal sealed class TasksOptions
{
    /// <summary>
    /// Days without a change after which a task that is done is deleted, without an event. Other tasks stay. 0: never.
    /// </summary>
    [Range(0, 36_500)]
    public int MaxAgeDays { get; set; } = 90;
}
