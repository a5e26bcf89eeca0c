namespace Unit.Build;

/// <summary><c>eng/release-notes</c>, with a changelog and versions of the test.</summary>
public sealed class ReleaseNotesTests : IDisposable
{
    private const string Changelog = """
        # Changelog

        ## [1.2.0-rc.1] - 2026-11-27

        - A change of two
          lines ([why](docs/decisions/0004.md#here), [more](https://example.org)).

        ## [1.1.0]

        - Older.
        """;

    private readonly ScriptFolder _folder = new("eng/release-notes");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_notes_are_the_section_of_the_version_without_its_line_breaks_and_with_whole_links()
    {
        Write(dotnet: "1.2.0-rc.1", javascript: "1.2.0-rc.1", python: "1.2.0rc1");
        var (code, notes) = await _folder.RunAsync(["v1.2.0-rc.1"], ("REPOSITORY_URL", "https://host/o/r"));

        Assert.Equal(
            "- A change of two lines ([why](https://host/o/r/blob/v1.2.0-rc.1/docs/decisions/0004.md#here), "
                + "[more](https://example.org)).",
            notes.Trim()
        );
        Assert.Equal(0, code);
    }

    [Theory]
    [InlineData("1.1.0", "1.1.0", "1.1.0", null)]
    [InlineData("1.0.0", "1.1.0", "1.1.0", "Directory.Build.props has the version '1.0.0'")]
    [InlineData("1.1.0", "1.0.0", "1.1.0", "package.json has the version '1.0.0'")]
    [InlineData("1.1.0", "1.1.0", "1.0.0", "pyproject.toml has the version '1.0.0'")]
    public async Task A_package_of_another_version_stops_the_release(
        string dotnet,
        string javascript,
        string python,
        string? refusal
    )
    {
        Write(dotnet, javascript, python);
        var (code, output) = await _folder.RunAsync(["v1.1.0"]);
        Assert.Equal(refusal is not null, code != 0);
        Assert.Contains(refusal ?? "Older.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_without_a_section_stops_the_release()
    {
        Write("1.3.0", "1.3.0", "1.3.0");
        var (code, output) = await _folder.RunAsync(["v1.3.0"]);
        Assert.NotEqual(0, code);
        Assert.Contains("no section '## [1.3.0]'", output, StringComparison.Ordinal);
    }

    private void Write(string dotnet, string javascript, string python)
    {
        Directory.CreateDirectory(_folder.PathOf("clients/javascript"));
        Directory.CreateDirectory(_folder.PathOf("clients/python"));
        File.WriteAllText(_folder.PathOf("CHANGELOG.md"), Changelog + "\n");
        File.WriteAllText(_folder.PathOf("Directory.Build.props"), $"    <Version>{dotnet}</Version>\n");
        File.WriteAllText(_folder.PathOf("clients/javascript/package.json"), $"  \"version\": \"{javascript}\",\n");
        File.WriteAllText(_folder.PathOf("clients/python/pyproject.toml"), $"version = \"{python}\"\n");
    }
}
