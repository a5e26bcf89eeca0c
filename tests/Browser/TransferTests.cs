using System.Text.RegularExpressions;

namespace Browser;

/// <summary>A first visit costs no more bytes than it must.</summary>
public partial class TransferTests(PagesFixture pages) : FilledPageTests(pages)
{
    [Fact]
    public async Task Pages_their_styles_scripts_and_pictures_and_the_status_are_compressed()
    {
        using var http = new HttpClient { BaseAddress = Frontend };
        var paths = Paths.Select(path => path.Split('?')[0]).Append("/status").ToHashSet();
        foreach (var path in paths.ToList())
            paths.UnionWith(File().Matches(await http.GetStringAsync(path, Cancelled)).Select(m => m.Groups[1].Value));

        var plain = new List<string>();
        foreach (var path in paths)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path)
            {
                Headers = { { "Accept-Encoding", "gzip" } },
            };
            using var response = await http.SendAsync(request, Cancelled);
            if (!response.Content.Headers.ContentEncoding.Contains("gzip"))
                plain.Add(path);
        }

        Assert.Contains(paths, path => path.EndsWith(".js", StringComparison.Ordinal));
        Assert.Empty(plain);
    }

    [GeneratedRegex("""(?:href|src)="(/[^"]+\.(?:css|js|svg))[">]""")]
    private static partial Regex File();
}
