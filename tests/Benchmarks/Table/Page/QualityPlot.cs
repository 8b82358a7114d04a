using System.Globalization;
using System.Net;
using System.Text;
using OnnxEff.Benchmarks.Running;

namespace OnnxEff.Benchmarks.Table.Page;

/// <summary>A form of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Family">Gives the colour.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Loss">How much its perplexity is above that of fp32.</param>
sealed record QualityPoint(string Name, FormFamily Family, long Bytes, double Loss);

/// <summary>One diagram.</summary>
sealed record QualityPanel(string Title, IReadOnlyList<QualityPoint> Points);

/// <summary>Loss against size as SVG: both axes logarithmic, a ground for each verdict, colours for light and dark pages.</summary>
static class QualityPlot
{
    const int Width = 520, Height = 400, Left = 62, Top = 40, Bottom = 48, Right = 16, Legend = 30;
    const double Least = 0.001, MiB = 1 << 20; // What loses less than 0.1 % stands at the foot.

    static readonly (FormFamily Family, string Name, string Colour)[] Families = // Middle tones show on both grounds.
    [
        (FormFamily.Fp32, "fp32", "#868e96"), (FormFamily.Vectors, "vectors along inputs", "#d9480f"), (FormFamily.Vptq, "vectors along outputs", "#9c36b5"),
        (FormFamily.Integers, "integers", "#1c7ed6"), (FormFamily.Exact, "exact", "#2f9e44"), (FormFamily.Neighbour, "other tool", "#e8a400"),
    ];

    static readonly SvgPanels Page = new(Width, Height, Left, Legend, """
        .verdict { fill-opacity: .12; }
          .quiet { fill-opacity: .7; font-size: 11px; }
        """);

    public static string Draw(IReadOnlyList<QualityPanel> panels) => Page.Draw(panels, [.. Families.Select(family => new SvgSeries(family.Name, family.Colour))], Panel);

    static void Panel(StringBuilder svg, QualityPanel panel)
    {
        double[] sizes = [.. panel.Points.Select(point => point.Bytes / MiB)];
        (double lowX, double highX) = sizes.Length == 0 ? (1, 10) : (sizes.Min() / 1.25, sizes.Max() * 1.25);
        double highY = Math.Max(1, Math.Pow(10, Math.Ceiling(Math.Log10(panel.Points.Select(Bounded).DefaultIfEmpty(1).Max()))));
        Ground(svg, Least, UsabilityRule.Usable, "#2f9e44", "usable");
        Ground(svg, UsabilityRule.Usable, UsabilityRule.WithCare, "#e8a400", "with care");
        Ground(svg, UsabilityRule.WithCare, highY, "#e03131", "not usable");
        foreach (double size in Ticks(lowX, highX))
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{X(size):F1}\" x2=\"{X(size):F1}\" y1=\"{Top}\" y2=\"{Height - Bottom}\"/><text x=\"{X(size):F1}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{size}</text>\n");
        for (double loss = Least; loss <= highY * 1.01; loss *= 10)
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(loss):F1}\" y2=\"{Y(loss):F1}\"/><text x=\"{Left - 6}\" y=\"{Y(loss) + 4:F1}\" text-anchor=\"end\">{(loss == Least ? "≤ " : "")}{loss * 100:0.#} %</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"""
            <text x="{Width / 2}" y="20" text-anchor="middle" font-weight="bold">{WebUtility.HtmlEncode(panel.Title)}</text>
            <text x="{Width / 2}" y="{Height - 8}" text-anchor="middle">MiB of the whole file</text>
            <text transform="translate(12 {Height / 2}) rotate(-90)" text-anchor="middle">perplexity above fp32</text>

            """);
        var labels = new LabelPlaces(Left, Width - Right, Height - Bottom, [.. panel.Points.Select(point => (X(point.Bytes / MiB), Y(Bounded(point))))]);
        foreach (QualityPoint point in panel.Points)
        {
            (double x, double y) = (X(point.Bytes / MiB), Y(Bounded(point)));
            (double labelX, double labelY) = labels.Place(x, y, point.Name);
            string loss = double.IsFinite(point.Loss) ? $"{(point.Loss * 100).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture)} %" : "no finite perplexity";
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{x:F1}\" cy=\"{y:F1}\" r=\"5\" fill=\"{Families.First(family => family.Family == point.Family).Colour}\"><title>{WebUtility.HtmlEncode(point.Name)}: {loss}, {point.Bytes / MiB:F1} MiB</title></circle>")
                .Append(CultureInfo.InvariantCulture, $"<text x=\"{labelX:F1}\" y=\"{labelY:F1}\">{WebUtility.HtmlEncode(point.Name)}</text>\n");
        }

        double X(double size) => Left + Math.Log(size / lowX) / Math.Log(highX / lowX) * (Width - Left - Right);
        double Y(double loss) => Height - Bottom - Math.Log(loss / Least) / Math.Log(highY / Least) * (Height - Top - Bottom);
        void Ground(StringBuilder to, double low, double high, string colour, string verdict) => to.Append(CultureInfo.InvariantCulture,
            $"<rect class=\"verdict\" x=\"{Left}\" y=\"{Y(high):F1}\" width=\"{Width - Left - Right}\" height=\"{Y(low) - Y(high):F1}\" fill=\"{colour}\"/><text class=\"quiet\" x=\"{Width - Right - 6}\" y=\"{Y(high) + 14:F1}\" text-anchor=\"end\">{verdict}</text>\n");
    }

    // Nothing is above a hundred times fp32, not even what has no perplexity.
    static double Bounded(QualityPoint point) => double.IsFinite(point.Loss) ? Math.Clamp(point.Loss, Least, 100) : 100;

    static IEnumerable<double> Ticks(double low, double high) => (high / low < 4 ? (double[])[1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8] : [1, 2, 5])
        .SelectMany(step => Enumerable.Range(-1, 8).Select(power => Math.Round(step * Math.Pow(10, power), 2))).Where(size => size >= low && size <= high).Order();
}
