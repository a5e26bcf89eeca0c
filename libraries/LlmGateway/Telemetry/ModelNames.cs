using System.Collections.Concurrent;

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

    private readonly ConcurrentDictionary<string, bool> _names = new(
        configured.Distinct().Select(name => KeyValuePair.Create(name, true))
    );
    private int _others;

    public string? Of(string? model) =>
        model is null || _names.ContainsKey(model) || (Volatile.Read(ref _others) < MaxOthers && TryAdd(model))
            ? model
            : Other;

    private bool TryAdd(string model)
    {
        if (Interlocked.Increment(ref _others) > MaxOthers)
            return false;
        _names.TryAdd(model, false);
        return true;
    }
}
