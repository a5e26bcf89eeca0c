// Part of the stand-in for NBomber: its reports. Not affiliated with NBomber LLC.
using System.Globalization;
using System.Net;
using System.Text;

namespace NBomber.Reports;

/// <summary>A line chart as SVG: axes from zero, three grid lines and a legend
/// in the order of the lines, so that it is readable without colour.</summary>
internal static class Chart
{
    private const int Width = 480,
        Height = 220,
        Left = 58,
        Right = 10,
        Top = 22,
        Bottom = 26;
    private static readonly string[] Colours = ["#4477aa", "#ee7733", "#aa3377"];

    public static string Of<T>(
        string title,
        string xUnit,
        IReadOnlyList<T> points,
        Func<T, double> x,
        params (string Name, Func<T, double> Y)[] lines
    )
    {
        double maxX = Ceiling(points.Select(x)),
            maxY = Ceiling(points.SelectMany(p => lines.Select(l => l.Y(p))));
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<figure><figcaption>{WebUtility.HtmlEncode(title)}</figcaption><svg viewBox=\"0 0 {Width} {Height}\" "
                + $"role=\"img\" font-size=\"11\" fill=\"currentColor\">"
        );
        svg.Append("<title>").Append(WebUtility.HtmlEncode(title)).Append("</title>");
        for (var i = 0; i <= 3; i++)
        {
            var value = maxY * i / 3;
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(value):F1}\" y2=\"{Y(value):F1}\" "
                    + $"stroke=\"currentColor\" stroke-opacity=\".2\"/>"
            );
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{Left - 6}\" y=\"{Y(value) + 4:F1}\" text-anchor=\"end\">{Label(value)}</text>"
            );
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{X(maxX * i / 3):F1}\" y=\"{Height - 8}\" "
                    + $"text-anchor=\"{(i == 3 ? "end" : "middle")}\">"
                    + $"{Label(maxX * i / 3)} {(i == 3 ? xUnit : "")}</text>"
            );
        }
        for (var i = 0; i < lines.Length; i++)
        {
            var colour = Colours[i % Colours.Length];
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\""
            );
            foreach (var point in points)
                svg.Append(CultureInfo.InvariantCulture, $"{X(x(point)):F1},{Y(lines[i].Y(point)):F1} ");
            svg.Append(
                CultureInfo.InvariantCulture,
                $"\"/><text x=\"{Left + 4 + (i * 70)}\" y=\"12\"><tspan fill=\"{colour}\">━</tspan> "
                    + $"{WebUtility.HtmlEncode(lines[i].Name)}</text>"
            );
        }
        return svg.Append("</svg></figure>").ToString();

        double X(double value) => Left + ((Width - Left - Right) * value / maxX);
        double Y(double value) => Height - Bottom - ((Height - Top - Bottom) * value / maxY);
    }

    /// <summary>Returns 1, 2 or 5 times a power of ten, at or above the largest value.</summary>
    private static double Ceiling(IEnumerable<double> values)
    {
        var max = values.DefaultIfEmpty(0).Max();
        if (max <= 0)
            return 1;
        var unit = Math.Pow(10, Math.Floor(Math.Log10(max)));
        return new[] { 1.0, 2, 5, 10 }.First(step => step * unit >= max * 0.999999) * unit;
    }

    private static string Label(double value) =>
        value >= 10_000
            ? (value / 1_000).ToString("0.#", CultureInfo.InvariantCulture) + "k"
            : value.ToString("0.##", CultureInfo.InvariantCulture);
}
