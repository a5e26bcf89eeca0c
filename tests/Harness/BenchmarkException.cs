namespace Harness;

/// <summary>The benchmarks cannot run; the message says why and what helps.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
