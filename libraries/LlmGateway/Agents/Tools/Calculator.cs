using System.Globalization;

namespace LlmGateway.Agents.Tools;

/// <summary>Evaluates arithmetic: + - * / % ^ and parentheses, also × and ÷.</summary>
internal ref struct Calculator
{
    private const int MaxLength = 500;

    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private int _depth;

    private Calculator(string text) => _text = text;

    /// <exception cref="FormatException">The expression is invalid, or its result is not finite.</exception>
    public static double Evaluate(string expression)
    {
        if (expression.Length > MaxLength)
            throw new FormatException($"An expression has at most {MaxLength} characters.");

        var calculator = new Calculator(expression);
        var result = calculator.Sum();

        if (calculator._at < calculator._text.Length)
            throw calculator.Unexpected();
        return double.IsFinite(result) ? result : throw new FormatException("The result is not a finite number.");
    }

    private double Sum()
    {
        if (++_depth > 50)
            throw new FormatException("The expression has too many nested parentheses.");

        var left = Product();

        while (true)
            if (Accept('+'))
                left += Product();
            else if (Accept('-', '−'))
                left -= Product();
            else
            {
                _depth--;
                return left;
            }
    }

    private double Product()
    {
        var left = Power();
        while (true)
            if (Accept('*', '×'))
                left *= Power();
            else if (Accept('/', '÷'))
                left /= Power();
            else if (Accept('%'))
                left %= Power();
            else
                return left;
    }

    private double Power()
    {
        var negative = false;
        while (Accept('-', '−'))
            negative = !negative;

        var left = Value();

        if (Accept('^'))
            left = Math.Pow(left, Power());

        return negative ? -left : left;
    }

    private double Value()
    {
        if (Accept('('))
        {
            var inner = Sum();
            return Accept(')') ? inner : throw Unexpected();
        }

        var start = _at;

        while (_at < _text.Length && (char.IsAsciiDigit(_text[_at]) || _text[_at] == '.'))
            _at++;

        if (
            !double.TryParse(
                _text[start.._at],
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
        )
            throw Unexpected();

        Skip();
        return number;
    }

    private bool Accept(char one, char other = '\0')
    {
        Skip();
        if (_at >= _text.Length || (_text[_at] != one && (other == '\0' || _text[_at] != other)))
            return false;
        _at++;
        Skip();
        return true;
    }

    private void Skip()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
            _at++;
    }

    private readonly FormatException Unexpected() =>
        new(_at < _text.Length ? $"Unexpected '{_text[_at]}' at position {_at + 1}." : "The expression is incomplete.");
}
