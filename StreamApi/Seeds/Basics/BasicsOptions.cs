using System.ComponentModel.DataAnnotations;

namespace StreamApi.Seeds.Basics;

/// <summary>Options of the introductory streams; section <c>Basics</c>.</summary>
internal sealed class BasicsOptions
{
    /// <summary>Seconds for which ticks continue after the last reader on any replica.</summary>
    [Range(1, 86400)]
    public int TickLingerSeconds { get; set; } = 60;
}
