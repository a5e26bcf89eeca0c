using Unit.Build;

namespace Unit.Deploy;

/// <summary><c>eng/base-image</c>, with scripts in the place of apt and the container engine.</summary>
public sealed class BaseImageTests : IDisposable
{
    private readonly ScriptFolder _folder = new("eng/base-image");

    public void Dispose() => _folder.Dispose();

    /// <summary>Otherwise the next build or start takes an image without files.</summary>
    [Theory]
    [InlineData("redis")]
    [InlineData("compose")]
    [InlineData("apphost")]
    public async Task A_download_that_fails_ends_it_before_an_image_gets_the_name(string argument)
    {
        var dashboard = _folder.PathOf("packages/aspire.dashboard.sdk.linux-x64/13.6.5/tools/Aspire.Dashboard");
        Directory.CreateDirectory(Path.GetDirectoryName(dashboard)!);
        await File.WriteAllTextAsync(dashboard, "", TestContext.Current.CancellationToken);

        var (code, output) = await RunAsync(argument);
        Assert.True(code != 0, output);
        Assert.DoesNotContain("_IMAGE=", output, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.PathOf("imported")), output);
    }

    [Theory]
    [InlineData("dashboard")]
    [InlineData("compose")]
    public async Task Without_the_dashboards_files_it_says_so_before_it_makes_the_other_images(string argument)
    {
        var (code, output) = await RunAsync(argument);
        Assert.True(code != 0, output);
        Assert.Contains("Build the AppHost once", output, StringComparison.Ordinal);
        Assert.DoesNotContain("postgres", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_help_needs_no_container_engine()
    {
        foreach (var engine in (string[])["docker", "podman"])
            _folder.Replace(engine, "#!/bin/sh\nexit 1");
        var (code, output) = await _folder.RunAsync(["--help"]);
        Assert.True(code == 0, output);
        Assert.Contains("eng/base-image compose ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("set -euo", output, StringComparison.Ordinal);
    }

    private Task<(int Code, string Output)> RunAsync(string argument)
    {
        _folder.Replace(
            "apt-get",
            """
            #!/bin/sh
            case "$*" in
            *--print-uris*) echo "'http://mirror.example/dash_1_amd64.deb' dash_1_amd64.deb 1 SHA256:0" ;;
            *) echo 'E: Failed to fetch dash' >&2; exit 100 ;;
            esac
            """
        );

        foreach (var program in (string[])["dpkg", "dpkg-deb"])
            _folder.Replace(program, "#!/bin/sh");

        _folder.Replace("engine", "#!/bin/sh\n[ \"$1\" != import ] || touch \"$STATE/imported\"");
        return _folder.RunAsync(
            [argument],
            ("CONTAINER_ENGINE", "engine"),
            ("NUGET_PACKAGES", _folder.PathOf("packages"))
        );
    }
}
