using StreamApi.Seeds.Agents;

namespace Unit.Llm;

/// <summary>The agents' own tool: what it calculates, and what it refuses.</summary>
public sealed class CalculatorTests
{
    [Theory]
    [InlineData("12 * (3 + 4)", 84)]
    [InlineData("2 + 3 * 4 - 6 / 4", 12.5)]
    [InlineData("8 − 2 × 3 ÷ 4", 6.5)]
    [InlineData("-7 % 4 + .5", -2.5)]
    [InlineData("-(1 - 3)", 2)]
    [InlineData("2--1", 3)]
    public void An_expression_has_the_value_that_arithmetic_gives_it(string expression, double value) =>
        Assert.Equal(value, Calculator.Evaluate(expression));

    [Theory]
    [InlineData("")]
    [InlineData("1 +")]
    [InlineData("(1")]
    [InlineData("1 2")]
    [InlineData("1.2.3")]
    [InlineData("1 / 0")]
    [InlineData("*")]
    [InlineData("* * *")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData(".. + 1")]
    [InlineData("()")]
    [InlineData("two")]
    [InlineData("string-length()")]
    [InlineData("2 ^ 3")]
    [InlineData("'1'")]
    public void Anything_else_is_refused(string expression) =>
        Assert.Throws<FormatException>(() => Calculator.Evaluate(expression));

    /// <summary>A model that repeats itself must not exhaust the stack.</summary>
    [Fact]
    public void A_very_long_or_deep_expression_is_refused_or_calculated()
    {
        Assert.Equal(1, Calculator.Evaluate(new string('(', 50) + "1" + new string(')', 50)));
        Assert.Throws<FormatException>(() => Calculator.Evaluate(new string('(', 500)));
        Assert.Throws<FormatException>(() => Calculator.Evaluate(new string('1', 501)));
    }
}
