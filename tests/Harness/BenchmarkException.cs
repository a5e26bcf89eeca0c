namespace Harness;

/// <summary>A reason why the benchmarks cannot run; the message says what helps.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
