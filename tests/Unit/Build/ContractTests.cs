using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using StreamApi;
using StreamApi.OpenApi;

namespace Unit.Build;

/// <summary>Compares tests/Conformance/contract.md with the tests, the endpoints and the guarantees.</summary>
public sealed class ContractTests
{
    private const string Guarantees = "Guarantees";

    private const BindingFlags AnyAccess = BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly MarkdownTable[] Tables = [.. MarkdownTable.In("tests", "Conformance", "contract.md")];

    private static IEnumerable<ContractRow> Rows =>
        Tables.SelectMany(table => table.Rows.Select(cells => new ContractRow(table.Section, cells)));

    [Fact]
    public void Every_row_has_three_cells_and_names_a_test()
    {
        Assert.NotEmpty(Tables);
        SourceFiles.AssertNone(
            from table in Tables
            from cells in table.Rows
            where cells.Length != ContractRow.Cells || !new ContractRow(table.Section, cells).Tests.Any()
            select $"{table.Section}: {string.Join(" | ", cells)}: no test is named, or a cell is missing"
        );
    }

    [Fact]
    public void Every_test_that_a_row_names_exists()
    {
        var tests = TestMethods.All().ToHashSet();
        SourceFiles.AssertNone(
            from row in Rows
            from test in row.Tests
            where !tests.Contains(test)
            select $"{row.Section}: {row.Rule}: there is no test {test}. Name the one that holds the rule now"
        );
    }

    [Fact]
    public void Every_test_of_this_project_is_found_in_its_sources()
    {
        var compiled =
            from type in typeof(ContractTests).Assembly.GetTypes()
            where !type.IsAbstract
            from method in type.GetMethods(BindingFlags.DeclaredOnly | BindingFlags.Instance | AnyAccess)
            where method.GetCustomAttribute<FactAttribute>() is { Skip: null }
            select $"{type.FullName}.{method.Name}";
        var found = TestMethods.All().ToHashSet();

        Assert.NotEmpty(compiled);
        SourceFiles.AssertNone(compiled.Where(test => !found.Contains(test)));
    }

    [Fact]
    public async Task Every_operation_of_the_OpenAPI_document_has_a_row()
    {
        await using var app = App();
        var document = await DocumentAsync(app);
        var named = Rows.SelectMany(row => row.Endpoints).ToHashSet();

        Assert.True(document.Count > 50, "The OpenAPI document is empty.");
        SourceFiles.AssertNone(
            from operation in document
            where !named.Contains(operation)
            select $"{operation}: no row of tests/Conformance/contract.md names it; add its rule and its test"
        );
    }

    [Fact]
    public async Task Every_endpoint_that_a_row_names_is_served()
    {
        await using var app = App();
        var served = Served(app).ToHashSet();
        SourceFiles.AssertNone(
            from row in Rows
            from endpoint in row.Endpoints
            where !served.Contains(endpoint)
            select $"{row.Section}: {row.Rule}: {endpoint} is not served"
        );
    }

    [Fact]
    public void The_guarantees_of_the_documentation_have_rows_and_no_others_do() =>
        Assert.Equal(
            MarkdownTable
                .In("docs", "reliability.md")
                .Where(table => table.Section == Guarantees)
                .SelectMany(table => table.Rows)
                .Select(cells => cells[0])
                .Order(StringComparer.Ordinal),
            Rows.Where(row => row.Section == Guarantees)
                .Select(row => row.Subject)
                .Distinct()
                .Order(StringComparer.Ordinal)
        );

    /// <summary>The endpoints of Development, which are all of them.</summary>
    private static WebApplication App()
    {
        var app = StreamApiApplication.Build([
            "--environment=Development",
            "--ConnectionStrings:eventstore=Host=127.0.0.1",
            "--ConnectionStrings:redis=127.0.0.1:1",
        ]);
        // Makes the endpoints known to the generator of the document, as a start would.
        app.UseRouting();
        app.UseEndpoints(_ => { });

        return app;
    }

    private static async Task<List<string>> DocumentAsync(WebApplication app)
    {
        var provider = app.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>(CachedDocument.Name);
        var document = await provider.GetOpenApiDocumentAsync();
        return
        [
            .. from path in document.Paths
            from operation in path.Value.Operations ?? []
            select $"{operation.Key.Method} {path.Key}",
        ];
    }

    private static IEnumerable<string> Served(IEndpointRouteBuilder routes) =>
        from endpoint in routes.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
        let path = string.Join('/', endpoint.RoutePattern.PathSegments.Select(Segment))
        // The probes accept any method.
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select $"{method} /{path}";

    /// <summary>As the OpenAPI document writes it: <c>{id}</c> for <c>{**id}</c>.</summary>
    private static string Segment(RoutePatternPathSegment segment) =>
        string.Concat(
            segment.Parts.Select(part =>
                part switch
                {
                    RoutePatternLiteralPart literal => literal.Content,
                    RoutePatternParameterPart parameter => $"{{{parameter.Name}}}",
                    _ => "",
                }
            )
        );

    /// <summary>A rule, its endpoints or the guarantee that it is part of, and the tests that hold it.</summary>
    private sealed record ContractRow(string Section, string[] Content)
    {
        public const int Cells = 3;

        public string Subject => Content[0];

        public string Rule => Content.ElementAtOrDefault(1) ?? "";

        public IEnumerable<string> Endpoints =>
            MarkdownTable.Code(Subject).Where(code => code.Contains(" /", StringComparison.Ordinal));

        public IEnumerable<string> Tests => MarkdownTable.Code(Content.ElementAtOrDefault(2) ?? "");
    }
}
