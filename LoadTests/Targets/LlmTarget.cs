namespace LoadTests.Targets;

/// <summary>The source of the tokens.</summary>
/// <param name="UpstreamPort">The fake upstream's port, where the target's provider <c>local</c> points. Null uses the
/// demo provider.</param>
internal sealed record LlmTarget(int? UpstreamPort);
