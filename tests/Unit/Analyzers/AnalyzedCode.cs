using System.Collections.Immutable;
using Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Unit.Analyzers;

/// <summary>An application's code, which a compiler checks with the analyzer of the package.</summary>
internal sealed class AnalyzedCode : IDisposable
{
    public static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private readonly AdhocWorkspace _workspace = new();
    private readonly Document _document;

    /// <param name="body">Statements; <c>id</c> is a string of a request, <c>log</c> an event log.</param>
    public AnalyzedCode(string body)
    {
        var project = _workspace
            .AddProject("Application", LanguageNames.CSharp)
            .WithMetadataReferences(References)
            .WithParseOptions(new CSharpParseOptions(LanguageVersion.Latest))
            .WithCompilationOptions(
                new CSharpCompilationOptions(
                    OutputKind.DynamicallyLinkedLibrary,
                    nullableContextOptions: NullableContextOptions.Enable
                )
            );
        _document = project.AddDocument(
            "Orders.cs",
            $$"""
            using System;
            using System.Collections.Generic;
            using System.Linq;
            using AspireSse;
            using Microsoft.AspNetCore.Http;
            using Microsoft.AspNetCore.Http.HttpResults;

            static class Following
            {
                const string Kind = "orders", All = "orders.>";
                static readonly string Field = "orders.paid";

                static string Named(string id) => $"orders.{id}.paid";

                static object Use(string id, string[] ids, bool flag, IEventLog log)
                {
            {{body}}
                }
            }
            """
        );
    }

    /// <summary>Returns the found rules, each with the text that it is about.</summary>
    public Task<IReadOnlyList<(string Rule, string Text)>> FoundAsync() => FoundAsync(_document);

    /// <summary>Applies the first fix of this title to the first finding; checks that the result compiles without
    /// one, and returns the statements.</summary>
    public async Task<string> FixedAsync(string title)
    {
        var actions = await ActionsAsync();
        var operations = await actions.Single(action => action.Title == title).GetOperationsAsync(default);
        var changed = operations.OfType<ApplyChangesOperation>().Single().ChangedSolution.GetDocument(_document.Id)!;

        Assert.Empty(await FoundAsync(changed));
        var lines = (await changed.GetTextAsync()).ToString().Split('\n').Select(line => line.TrimEnd()).ToList();
        var first = lines.FindIndex(line => line.Contains("static object Use", StringComparison.Ordinal)) + 2;
        return string.Join('\n', lines[first..^2]);
    }

    public async Task<IEnumerable<string>> TitlesAsync() => (await ActionsAsync()).Select(action => action.Title);

    public void Dispose() => _workspace.Dispose();

    private async Task<IReadOnlyList<CodeAction>> ActionsAsync()
    {
        var found = (await DiagnosticsAsync(_document))[0];
        var actions = new List<CodeAction>();
        await new TopicStringFix().RegisterCodeFixesAsync(
            new CodeFixContext(_document, found, (action, _) => actions.Add(action), CancellationToken.None)
        );
        return actions;
    }

    private static async Task<IReadOnlyList<(string Rule, string Text)>> FoundAsync(Document document)
    {
        var text = await document.GetTextAsync();
        return [.. (await DiagnosticsAsync(document)).Select(d => (d.Id, text.ToString(d.Location.SourceSpan)))];
    }

    private static async Task<ImmutableArray<Diagnostic>> DiagnosticsAsync(Document document)
    {
        var compilation = (await document.Project.GetCompilationAsync())!;
        Assert.Empty(compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error));
        var found = await compilation.WithAnalyzers([new TopicStringAnalyzer()]).GetAnalyzerDiagnosticsAsync();
        return [.. found.OrderBy(d => d.Location.SourceSpan.Start)];
    }
}
