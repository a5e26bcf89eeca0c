using System.Text.Json;
using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The files for editors, dev containers and Dependabot name what exists.</summary>
public sealed partial class EditorFileTests
{
    private static readonly JsonSerializerOptions WithComments = new()
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
    };

    [Fact]
    public void Each_project_that_an_editor_starts_exists()
    {
        var named = ((string[])[".vscode", ".run"])
            .SelectMany(folder => Directory.EnumerateFiles(Repository.PathOf(folder)))
            .SelectMany(file => Named().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value))
            .ToHashSet();

        Assert.Contains("AppHost/AppHost.csproj", named);
        SourceFiles.AssertNone(
            from path in named
            let project = path.StartsWith("artifacts/bin/", StringComparison.Ordinal) ? path.Split('/')[2] : null
            where project is null ? !Path.Exists(Repository.PathOf(path)) : !Projects.Contains(project)
            select $"a file of .vscode or .run names {path}, which does not exist"
        );
    }

    [Fact]
    public void The_dev_container_forwards_the_ports_of_the_README()
    {
        var text = File.ReadAllText(Repository.PathOf(".devcontainer/devcontainer.json"));
        var container = JsonSerializer.Deserialize<JsonElement>(text, WithComments);
        var forwarded = container.GetProperty("forwardPorts").EnumerateArray().Select(port => port.GetInt32());
        var labelled = container.GetProperty("portsAttributes").EnumerateObject().Select(port => int.Parse(port.Name));
        var started = Port()
            .Matches(File.ReadAllText(Repository.PathOf("README.md")))
            .Select(match => int.Parse(match.Groups[1].Value))
            .Distinct()
            .Order();

        Assert.Equal(started, forwarded.Order());
        Assert.Equal(started, labelled.Order());
    }

    [Fact]
    public void Dependabot_watches_every_folder_with_packages_of_npm()
    {
        var watched = File.ReadAllLines(Repository.PathOf(".github/dependabot.yml"))
            .Select(line => line.Trim().TrimStart('-', ' '))
            .ToHashSet();
        SourceFiles.AssertNone(
            from file in SourceFiles.All
            where file.Name == "package.json"
            let folder = "/" + Path.GetDirectoryName(SourceFiles.PathOf(file))!.Replace('\\', '/')
            where !watched.Contains(folder)
            select $".github/dependabot.yml does not name {folder}"
        );
    }

    private static IEnumerable<string> Projects =>
        SourceFiles
            .All.Where(file => file.Extension == ".csproj")
            .Select(file => Path.GetFileNameWithoutExtension(file.Name));

    /// <summary>A path from the root: after the variable of VS Code or Rider, or as an argument.</summary>
    [GeneratedRegex("""(?:\$\{workspaceFolder\}/|\$PROJECT_DIR\$/|"args": \["(?:build|test)", ")([\w./]+)""")]
    private static partial Regex Named();

    [GeneratedRegex("""https?://localhost:(\d+)""")]
    private static partial Regex Port();
}
