namespace EventStore;

/// <summary>One term of leadership. Its fence is higher than those of earlier leaders.</summary>
internal sealed class Term(long fence, Func<bool> stillLeads)
{
    public long Fence => fence;

    public bool StillLeads() => stillLeads();
}
