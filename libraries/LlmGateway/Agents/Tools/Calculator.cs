using System.Globalization;

namespace LlmGateway.Agents.Tools;

/// <summary>Evaluates arithmetic: + - * / % ^ and parentheses, also × and ÷.</summary>
internal ref struct Calculator
{
    private const int MaxLength = 500;
    private const int MaxDepth = 50;

    /// <summary>Operators with two operands, by their precedence.</summary>
    private static readonly string[] Operators = ["+-−", "*×/÷%", "^"];

    /// <summary>Precedence of the last operator.</summary>
    private static int Power => Operators.Length - 1;

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
        var result = calculator.Operation(precedence: 0);

        if (calculator._at < calculator._text.Length)
            throw calculator.Unexpected();
        return double.IsFinite(result) ? result : throw new FormatException("The result is not a finite number.");
    }

    private double Operation(int precedence)
    {
        if (precedence > Power)
            return Value();
        // A sign is applied after a power: -2^2 is -4.
        if (precedence == Power && Accept("-−") is not null)
            return -Operation(Power);

        var left = Operation(precedence + 1);
        while (Accept(Operators[precedence]) is { } one)
        {
            // The right one of two powers comes first.
            var right = Operation(one == '^' ? Power : precedence + 1);
            left = one switch
            {
                '+' => left + right,
                '*' or '×' => left * right,
                '/' or '÷' => left / right,
                '%' => left % right,
                '^' => Math.Pow(left, right),
                _ => left - right,
            };
        }

        return left;
    }

    private double Value()
    {
        if (Accept("(") is not null)
        {
            if (++_depth > MaxDepth)
                throw new FormatException("The expression has too many nested parentheses.");
            var inner = Operation(precedence: 0);
            _depth--;
            return Accept(")") is not null ? inner : throw Unexpected();
        }

        var start = _at;
        while (_at < _text.Length && (char.IsAsciiDigit(_text[_at]) || _text[_at] == '.'))
            _at++;
        var digits = _text[start.._at];
        return double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Unexpected();
    }

    /// <summary>Takes the next character if it is one of some.</summary>
    private char? Accept(string characters)
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
            _at++;
        return _at < _text.Length && characters.Contains(_text[_at], StringComparison.Ordinal) ? _text[_at++] : null;
    }

    private readonly FormatException Unexpected() =>
        new(_at < _text.Length ? $"Unexpected '{_text[_at]}' at position {_at + 1}." : "The expression is incomplete.");
}
