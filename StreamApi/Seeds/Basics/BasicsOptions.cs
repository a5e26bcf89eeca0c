using System.ComponentModel.DataAnnotations;

namespace StreamApi.Seeds.Basics;

/// <summary>Section <c>Basics</c>.</summary>
internal sealed class BasicsOptions
{
    /// <summary>How long the ticks go on after their last reader on any replica, in seconds.</summary>
    [Range(1, 86400)]
    public int TickLingerSeconds { get; set; } = 60;
}
