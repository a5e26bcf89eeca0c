using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ServiceDefaults.Health;

/// <summary>Writes a health report: <c>{"status":"Degraded","checks":{"self":{"status":"Healthy"},…}}</c>.</summary>
internal static class HealthReports
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    public static Task WriteAsync(HttpContext context, HealthReport report) =>
        context.Response.WriteAsJsonAsync(
            new
            {
                Status = report.Status.ToString(),
                Checks = report.Entries.ToDictionary(
                    entry => entry.Key,
                    entry => new
                    {
                        Status = entry.Value.Status.ToString(),
                        Description = Description(entry.Value),
                        Data = entry.Value.Data.Count > 0 ? entry.Value.Data : null,
                    }
                ),
            },
            Json,
            context.RequestAborted
        );

    // A check that throws has the exception's message as its description, which may name hosts and users.
    private static string? Description(HealthReportEntry entry) =>
        entry.Exception is { } exception && entry.Description == exception.Message ? null : entry.Description;
}
