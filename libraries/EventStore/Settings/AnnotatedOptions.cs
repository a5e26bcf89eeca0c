using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>Checks options by the attributes of their properties. It replaces the framework's own check, which trimming
/// breaks, and keeps its messages.</summary>
internal sealed class AnnotatedOptions<
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions
> : IValidateOptions<TOptions>
    where TOptions : class
{
    public ValidateOptionsResult Validate(string? name, TOptions options)
    {
        var refusals =
            from property in typeof(TOptions).GetProperties()
            from rule in property.GetCustomAttributes<ValidationAttribute>()
            where !rule.IsValid(property.GetValue(options))
            select $"DataAnnotation validation failed for '{typeof(TOptions).Name}' members: '{property.Name}' "
                + $"with the error: '{rule.FormatErrorMessage(property.Name)}'.";

        return refusals.ToList() is { Count: > 0 } all
            ? ValidateOptionsResult.Fail(all)
            : ValidateOptionsResult.Success;
    }
}

internal static class AnnotatedOptionsExtensions
{
    public static OptionsBuilder<TOptions> ValidateAnnotations<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions
    >(this OptionsBuilder<TOptions> options)
        where TOptions : class
    {
        options.Services.AddSingleton<IValidateOptions<TOptions>>(new AnnotatedOptions<TOptions>());
        return options;
    }
}
