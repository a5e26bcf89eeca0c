// Stands in for Aspire.Hosting's value expressions (Aspire.Hosting.ApplicationModel). Not affiliated with Microsoft or
// the .NET Foundation.
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

public interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

public interface IManifestExpressionProvider
{
    string ValueExpression { get; }
}

public interface IExpressionValue : IValueProvider, IManifestExpressionProvider;

public interface IValueWithReferences
{
    IEnumerable<object> References { get; }
}

/// <summary>A text with placeholders that are filled when a resource that
/// needs it starts: <c>$"{endpoint};Password={parameter}"</c>.</summary>
public class ReferenceExpression : IExpressionValue, IValueWithReferences
{
    private ReferenceExpression(string format, IReadOnlyList<IValueProvider> valueProviders) =>
        (Format, ValueProviders) = (format, valueProviders);

    public string Format { get; }
    public IReadOnlyList<IValueProvider> ValueProviders { get; }
    public string ValueExpression =>
        string.Format(
            CultureInfo.InvariantCulture,
            Format,
            [.. ValueProviders.Select(v => ((IManifestExpressionProvider)v).ValueExpression)]
        );
    IEnumerable<object> IValueWithReferences.References => ValueProviders;

    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) =>
        new(handler.Format.ToString(), [.. handler.Providers]);

    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken)
    {
        var values = new object?[ValueProviders.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = await ValueProviders[i].GetValueAsync(cancellationToken);
        return string.Format(CultureInfo.InvariantCulture, Format, values);
    }

    [InterpolatedStringHandler]
    public readonly ref struct ExpressionInterpolatedStringHandler
    {
        public ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
        {
            Format = new StringBuilder(literalLength + formattedCount * 3);
            Providers = new List<IValueProvider>(formattedCount);
        }

        internal StringBuilder Format { get; }
        internal List<IValueProvider> Providers { get; }

        public readonly void AppendLiteral(string value) =>
            Format.Append(
                value.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal)
            );

        public readonly void AppendFormatted(string? value) => AppendLiteral(value ?? "");

        public void AppendFormatted<T>(T valueProvider)
            where T : IValueProvider, IManifestExpressionProvider
        {
            Format.Append('{').Append(Providers.Count).Append('}');
            Providers.Add(valueProvider);
        }

        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider, IManifestExpressionProvider => AppendFormatted(valueProvider.Resource);
    }
}

internal static class ValueReferences
{
    /// <summary>Yields the endpoints, parameters and resources in <paramref name="value"/>, at every depth.</summary>
    private static IEnumerable<object> Walk(object value) =>
        value switch
        {
            IResourceBuilder<IResource> { Resource: var resource } => Walk(resource),
            IValueWithReferences { References: var inner } => inner.SelectMany(Walk).Prepend(value),
            _ => [value],
        };

    /// <summary>The resources that <paramref name="value"/> names directly, without those behind them.</summary>
    public static IEnumerable<IResource> Resources(object value) =>
        value switch
        {
            IResource resource => [resource],
            IValueWithReferences { References: var inner } => inner.SelectMany(Resources).Distinct(),
            _ => [],
        };

    public static bool HoldsSecret(object value) => Walk(value).Any(v => v is ParameterResource { Secret: true });
}
