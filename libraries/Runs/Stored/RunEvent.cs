namespace AspireSse;

/// <summary>An event of a run before it is stored. The key is internal; frames do not contain it.</summary>
internal readonly record struct RunEvent(string Type, string Data, string? Key = null)
{
    public static RunEvent Of<T>(string type, T data) => new(type, RunJson.Write(data));

    public static RunEvent Failed(string error, string reason) => Of("error", new RunError(null, error, true, reason));
}

/// <param name="Owner">The user whose request began the run, or null if there is none.</param>
internal sealed record RunAnnouncement(string? Owner = null);

/// <param name="Type">The event's type, for clients that see only the data.</param>
internal sealed record RunError(string? Type, string Error, bool Fatal, string Reason);
