// Stands in for NBomber.Contracts. Not affiliated with NBomber LLC.
using NBomber.Contracts;

namespace NBomber.Contracts
{
    /// <summary>Thrown by an iteration that must not be measured, such
    /// as one that waited for a push when its scenario ended.</summary>
    public sealed class IgnoreMeasurementException : Exception
    {
        public IgnoreMeasurementException()
            : base("This iteration is not measured.") { }
    }

    /// <summary>The result of an iteration or a step.</summary>
    public interface IResponse
    {
        string StatusCode { get; }
        bool IsError { get; }
        long SizeBytes { get; }

        /// <summary>Replaces the measured latency when above 0.</summary>
        double CustomLatencyMs { get; }
        string Message { get; }
    }

    public sealed record Response<T>(
        string StatusCode,
        bool IsError,
        long SizeBytes,
        double CustomLatencyMs,
        string Message
    ) : IResponse;
}

namespace NBomber.CSharp
{
    public static class Response
    {
        private static readonly Response<object> EmptyOk = Ok<object>("");

        public static Response<object> Ok() => EmptyOk;

        public static Response<T> Ok<T>(
            string statusCode = "",
            long sizeBytes = 0,
            string message = "",
            double customLatencyMs = 0
        ) => new(statusCode, false, sizeBytes, customLatencyMs, message);

        public static Response<T> Fail<T>(
            string statusCode = "",
            string message = "",
            long sizeBytes = 0,
            double customLatencyMs = 0
        ) => new(statusCode, true, sizeBytes, customLatencyMs, message);
    }
}
