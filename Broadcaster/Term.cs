namespace Broadcaster;

/// <summary>One term of leadership.</summary>
/// <param name="fence">The number that orders leaders.</param>
/// <param name="stillLeads">Returns false once the lease is lost.</param>
internal sealed class Term(long fence, Func<bool> stillLeads)
{
    /// <summary>The number that orders leaders.</summary>
    public long Fence => fence;

    /// <summary>Returns false once the lease is lost.</summary>
    public bool StillLeads() => stillLeads();
}
