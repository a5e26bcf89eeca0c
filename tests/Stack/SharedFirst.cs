using Xunit.Sdk;
using Xunit.v3;

namespace Stack;

/// <summary>The collections that several classes share take longest: they begin first, or the others would have ended and nothing ran beside them.</summary>
public sealed class SharedFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections) where TTestCollection : ITestCollection =>
        [.. testCollections.OrderByDescending(c => c.TestCollectionClassName is not null)];
}
