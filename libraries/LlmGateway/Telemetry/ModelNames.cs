namespace LlmGateway.Telemetry;

/// <summary>
/// Names of models as values of metrics: the configured names, and a bounded number of others, because clients choose
/// the names and metrics never forget a value. Thread-safe.
/// </summary>
internal sealed class ModelNames(IEnumerable<string> configured)
{
    public const string Other = "_OTHER";

    /// <summary>Maximum number of names that are not configured.</summary>
    public const int MaxOthers = 100;

    private readonly HashSet<string> _names = [.. configured];
    private readonly int _most = configured.Distinct().Count() + MaxOthers;

    public string? Of(string? model)
    {
        lock (_names)
            return model is null || _names.Contains(model) || (_names.Count < _most && _names.Add(model))
                ? model
                : Other;
    }
}
