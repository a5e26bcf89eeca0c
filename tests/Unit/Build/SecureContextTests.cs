using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>A page that is opened by http at an address of the network has no secure context, and lacks what browsers
/// give to those only (https://www.w3.org/TR/secure-contexts/).</summary>
public sealed partial class SecureContextTests
{
    [Fact]
    public void No_page_sample_or_document_needs_a_secure_context_without_asking_for_it() =>
        SourceFiles.AssertNone(
            from file in SourceFiles.In("WebFrontend", "clients/javascript/src", "docs", "samples", "templates")
            where file.Extension is ".js" or ".ts" or ".tsx" or ".html" or ".razor" or ".md"
            from line in File.ReadAllLines(file.FullName).Index()
            where SecureOnly().IsMatch(line.Item)
            select $"{SourceFiles.PathOf(file)}:{line.Index + 1}: {line.Item.Trim()}"
        );

    [Theory]
    [InlineData("const id = crypto.randomUUID();", true)]
    [InlineData("await crypto.subtle.digest(…)", true)]
    [InlineData("crypto.getRandomValues(new Uint8Array(16))", false)]
    [InlineData("`crypto.randomUUID` exists only in secure contexts", false)]
    public void A_call_that_needs_one_is_found(string line, bool isFound) =>
        Assert.Equal(isFound, SecureOnly().IsMatch(line));

    [GeneratedRegex(@"\bcrypto\.(randomUUID\(|subtle\.)|\bnavigator\.(clipboard|serviceWorker|storage)\.")]
    private static partial Regex SecureOnly();
}
