using Streaming.Access;
using Streaming.Admission;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Counts the sources that clients start by resumes. Resumes are frequent after a loss of a replica, but then their
/// sources run; a client that makes up sessions and last ids would start hundreds, which all write to the log.
/// </summary>
internal sealed class SourceStarts(IHostEnvironment environment, IStreamAccess access, TimeProvider clock)
{
    /// <summary>Starts of one client per minute, on each replica.</summary>
    public const int PerMinute = 10;

    // Half of them at once: all of many clients in the same second are felt by everybody.
    private readonly Pace<string>? _starts = environment.IsDevelopment()
        ? null
        : new Pace<string>(PerMinute / 60.0, burst: PerMinute / 2, clock);

    /// <summary>Counts a start. Returns false if the client has started too many.</summary>
    public bool TryCount(HttpContext context) =>
        _starts is null || _starts.Charge(access.ClientOf(context), 1, maxWait: TimeSpan.Zero) is not null;
}
