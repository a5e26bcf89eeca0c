using System.Text.Json;

namespace Unit.Runs;

public sealed class RunJsonTests
{
    private static readonly JsonSerializerOptions Bare = new(RunJson.Options) { TypeInfoResolver = RunTypes.Default };

    /// <summary>A native application has no reflection, and nothing else would find a type that is missing.</summary>
    [Fact]
    public void Runs_are_written_alike_without_reflection()
    {
        Assert.Equal("{}", Written(new RunAnnouncement()));
        Assert.Equal("""{"owner":"ann"}""", Written(new RunAnnouncement("ann")));
        Assert.Equal(
            """{"error":"a <","fatal":true,"reason":"failed"}""",
            Written(new RunError(null, "a <", Fatal: true, "failed"))
        );
        Assert.Equal(
            """[{"type":"token","data":"{\"text\":\"a\"}"}]""",
            Written<IReadOnlyList<RunEvent>>([RunEvent.Of("token", new { text = "a" })])
        );
    }

    private static string Written<T>(T value)
    {
        var json = JsonSerializer.Serialize(value, Bare);

        Assert.Equal(RunJson.Write(value), json);
        return json;
    }
}
