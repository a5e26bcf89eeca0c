using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Simplification;

namespace Analyzers;

/// <summary>Fixes a reported string: gives the interpolated string itself as the topic, or asks for a
/// pattern.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
internal sealed class TopicStringFix : CodeFixProvider
{
    public const string Inline = "Give the interpolated string itself",
        Ask = "Ask for a pattern: EventTopic.Pattern(…)";

    public override ImmutableArray<string> FixableDiagnosticIds =>
        [TopicStringAnalyzer.UncheckedId, TopicStringAnalyzer.NoTopicId];

    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        var root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        var model = await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindNode(context.Span, getInnermostNodeForTie: true) is not ExpressionSyntax text || model is null)
            return;

        var made =
            model.GetOperation(text, context.CancellationToken) is { } operation
            && BuiltStrings.ExpressionOf(operation) is { } expression
                ? BuiltStrings.InterpolatedOf(expression)
                : null;

        foreach (var diagnostic in context.Diagnostics)
            if (made is not null)
                context.RegisterCodeFix(
                    CodeAction.Create(Inline, stop => InlineAsync(context.Document, text, made, stop), Inline),
                    diagnostic
                );
            // Only a constant is offered as a pattern, because a string of values may select any topics.
            else if (diagnostic.Id == TopicStringAnalyzer.NoTopicId)
                context.RegisterCodeFix(
                    CodeAction.Create(Ask, stop => AskAsync(context.Document, text, stop), Ask),
                    diagnostic
                );
    }

    private static async Task<Document> InlineAsync(
        Document document,
        ExpressionSyntax text,
        ExpressionSyntax made,
        CancellationToken stop
    )
    {
        var editor = await DocumentEditor.CreateAsync(document, stop).ConfigureAwait(false);
        editor.ReplaceNode(text, made.WithTriviaFrom(text));

        // The variable is removed if it has no other use.
        if (
            text is IdentifierNameSyntax { Identifier.Text: var name }
            && editor.SemanticModel.GetSymbolInfo(text, stop).Symbol is ILocalSymbol local
            && local.DeclaringSyntaxReferences[0].GetSyntax(stop).Parent?.Parent
                is LocalDeclarationStatementSyntax { Declaration.Variables.Count: 1, Parent: { } block } declaration
            && block.DescendantNodes().OfType<IdentifierNameSyntax>().Count(use => use.Identifier.Text == name) == 1
        )
            editor.RemoveNode(declaration, SyntaxRemoveOptions.KeepNoTrivia);

        return editor.GetChangedDocument();
    }

    private static async Task<Document> AskAsync(Document document, ExpressionSyntax text, CancellationToken stop)
    {
        var editor = await DocumentEditor.CreateAsync(document, stop).ConfigureAwait(false);
        var topic = editor.SemanticModel.Compilation.GetTypeByMetadataName("AspireSse.EventTopic")!;
        var generator = editor.Generator;
        var call = generator.InvocationExpression(
            generator.MemberAccessExpression(generator.TypeExpression(topic), "Pattern"),
            text.WithoutTrivia()
        );

        editor.ReplaceNode(text, call.WithTriviaFrom(text).WithAdditionalAnnotations(Simplifier.Annotation));
        return editor.GetChangedDocument();
    }
}
