using Microsoft.Extensions.Options;

namespace StreamApi.Seeds.Tasks;

/// <summary>Limits of tasks.</summary>
/// <remarks>Constants for operators: no key sets them. Tests make them smaller.</remarks>
internal sealed class TasksOptions
{
    /// <summary>New streams of one client per minute, also while nobody else opens one. A client with a last id is not
    /// counted.</summary>
    internal int? NewStreamsPerMinute { get; set; }

    /// <summary>Sets the unset limit to the default of the environment.</summary>
    public void Complete(bool development) => NewStreamsPerMinute ??= development ? RequestKind.Unlimited : 10;

    /// <summary>Returns the kind of the requests that open a stream.</summary>
    public static RequestKind Streams(IServiceProvider services)
    {
        var perMinute = services.GetRequiredService<IOptions<TasksOptions>>().Value.NewStreamsPerMinute!.Value;
        return new RequestKind(
            "task streams",
            perMinute,
            $"opened {perMinute} new streams in the last minute",
            IsFixed: true
        );
    }
}
