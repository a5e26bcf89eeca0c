using System.Globalization;
using System.Text;

namespace Benchmarks.Simulation;

/// <summary>Draws the results as SVG: readers that have not caught up, and reads of the store, by time.</summary>
internal static class SimulationPlot
{
    private const int Width = 760,
        PanelHeight = 220,
        Left = 64,
        Top = 34,
        Bottom = 40,
        MostSeconds = 180;

    private static readonly string[] Colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#666666", "#56b4e9"];

    public static string Of(IReadOnlyList<SimulationResult> results)
    {
        var height = 2 * (PanelHeight + Top + Bottom) + 20 * results.Count + 10;
        var svg = new StringBuilder();
        svg.AppendLine(
            CultureInfo.InvariantCulture,
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}"
              font-family="sans-serif" font-size="12">
            <rect width="{Width}" height="{height}" fill="#ffffff"/>
            """
        );
        Panel(svg, 0, "Readers that have not caught up, million", results, s => s.NotCaughtUp / 1e6, "0.0");
        Panel(
            svg,
            PanelHeight + Top + Bottom,
            "Reads of the store for returning readers, 1,000/s",
            results,
            Reads,
            "0"
        );
        for (var i = 0; i < results.Count; i++)
        {
            var y = 2 * (PanelHeight + Top + Bottom) + 20 * i + 8;
            svg.AppendLine(
                CultureInfo.InvariantCulture,
                $"""
                <line x1="{Left}" y1="{y}" x2="{Left + 24}" y2="{y}" stroke="{Colors[
                    i % Colors.Length
                ]}" stroke-width="2"/>
                <text x="{Left + 32}" y="{y + 4}">{i + 1}: {results[i].Scenario.Name}</text>
                """
            );
        }
        return svg.AppendLine("</svg>").ToString();
    }

    private static double Reads(SimulationSecond second) => second.Replays / 1e3;

    private static void Panel(
        StringBuilder svg,
        int y,
        string title,
        IReadOnlyList<SimulationResult> results,
        Func<SimulationSecond, double> value,
        string format
    )
    {
        var (top, bottom, right) = (y + Top, y + Top + PanelHeight, Width - 20);
        var most = Math.Max(1e-9, results.Max(r => r.Seconds.Max(value)));
        svg.AppendLine(
            CultureInfo.InvariantCulture,
            $"""<text x="{Left}" y="{y + 22}" font-weight="bold">{title}</text>"""
        );
        for (var i = 0; i <= 4; i++)
        {
            var at = bottom - i * PanelHeight / 4;
            svg.AppendLine(
                CultureInfo.InvariantCulture,
                $"""
                <line x1="{Left}" y1="{at}" x2="{right}" y2="{at}" stroke="#dddddd"/>
                <text x="{Left - 8}" y="{at + 4}" text-anchor="end">{(most * i / 4).ToString(format, Invariant)}</text>
                """
            );
        }
        for (var second = -20; second <= MostSeconds; second += 20)
            svg.AppendLine(
                CultureInfo.InvariantCulture,
                $"""<text x="{X(second):0}" y="{bottom + 18}" text-anchor="middle">{second}</text>"""
            );
        svg.AppendLine(
            CultureInfo.InvariantCulture,
            $"""<text x="{right}" y="{bottom + 34}" text-anchor="end">seconds after the loss of the region</text>"""
        );
        for (var i = 0; i < results.Count; i++)
        {
            var lost = results[i].Scenario.LostAt / 1_000;
            var points = results[i]
                .Seconds.Take(lost + MostSeconds)
                .Select((s, second) => (X: X(second + 1 - lost), Y: bottom - value(s) / most * PanelHeight));
            svg.Append(
                    CultureInfo.InvariantCulture,
                    $"""<polyline fill="none" stroke="{Colors[i % Colors.Length]}" stroke-width="2" points="""
                )
                .Append('"')
                .AppendJoin(' ', points.Select(p => string.Create(Invariant, $"{p.X:0.0},{p.Y:0.0}")))
                .AppendLine("\"/>");
        }
        double X(int second) => Left + (second + 20.0) / (MostSeconds + 20) * (right - Left);
    }

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;
}
