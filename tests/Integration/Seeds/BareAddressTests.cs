using System.Net;

namespace Integration.Seeds;

/// <summary>The address to which the dashboard links.</summary>
public sealed class BareAddressTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    [Fact]
    public async Task It_names_the_service_its_document_and_addresses_that_answer()
    {
        var home = await SeedRequests.GetAsync(A, "/");

        Assert.Equal(["service", "openApi", "try"], home.EnumerateObject().Select(member => member.Name));
        Assert.Equal("Aspire.Sse StreamApi", home.Text("service"));
        Assert.Equal("/openapi/v1.json", home.Text("openApi"));

        var links = home.Items("try").Select(link => link.GetString()!).ToList();
        Assert.Contains("/sse/events", links);

        foreach (var link in links.Append(home.Text("openApi")!))
        {
            using var answer = await SeedRequests.SendAsync(A, HttpMethod.Get, link);
            Assert.Equal((link, HttpStatusCode.OK), (link, answer.StatusCode));
        }
    }
}
