using System.Globalization;
using System.Text;

namespace OnnxEff.Cli.Html.Drawing;

/// <summary>Where everything stands in a drawing.</summary>
/// <param name="Width">Width of the drawing.</param>
/// <param name="Height">Its height.</param>
/// <param name="Corners">The upper left corner of each box.</param>
/// <param name="Paths">The line of each wire, as the <c>d</c> of an SVG path.</param>
sealed record Layout(int Width, int Height, IReadOnlyList<(int X, int Y)> Corners, IReadOnlyList<string> Paths)
{
    const int Margin = 12;
    const int RowGap = 26;
    const int Tip = 4; // Half the width of an arrow's tip.

    /// <summary>Draws boxes level by level, from top to bottom.</summary>
    public static Layout Of(IReadOnlyList<Box> boxes, IReadOnlyList<Wire> wires)
    {
        var levels = new Levels(boxes, wires);
        var rows = Order.Of(levels);
        var middles = Columns.Of(levels, rows, boxes);
        double Half(int point) => point < levels.Boxes ? boxes[point].Width / 2.0 : 0;
        var left = Enumerable.Range(0, levels.Points).Select(point => middles[point] - Half(point)).DefaultIfEmpty(0).Min() - Margin;
        var right = Enumerable.Range(0, levels.Points).Select(point => middles[point] + Half(point)).DefaultIfEmpty(0).Max() + Margin;
        var (tops, bottoms) = (new int[rows.Count], new int[rows.Count]);
        var y = Margin;
        for (var row = 0; row < rows.Count; row++)
        {
            tops[row] = y;
            bottoms[row] = y + rows[row].Select(point => point < levels.Boxes ? boxes[point].Height : 0).Max();
            // Many links between two levels need room to be told apart.
            y = bottoms[row] + RowGap + Math.Min(RowGap, levels.Links.Count(link => levels.Of(link.From) == row) / 2);
        }
        int X(double middle) => (int)Math.Round(middle - left);
        return new(
            X(right), rows.Count == 0 ? 2 * Margin : bottoms[^1] + Margin,
            [.. boxes.Select((box, i) => (X(middles[i] - Half(i)), tops[levels.Of(i)]))],
            new Lines(levels, boxes, [.. middles.Select(X)], tops, bottoms).Paths(wires.Count));
    }

    /// <summary>The lines of all wires.</summary>
    sealed class Lines(Levels levels, IReadOnlyList<Box> boxes, int[] middles, int[] tops, int[] bottoms)
    {
        readonly Dictionary<Link, int> starts = Spread(levels, boxes, middles, link => link.From, link => link.To);
        readonly Dictionary<Link, int> ends = Spread(levels, boxes, middles, link => link.To, link => link.From);

        public string[] Paths(int count)
        {
            var paths = new StringBuilder[count];
            for (var i = 0; i < count; i++) paths[i] = new();
            foreach (var link in levels.Links) Draw(link, paths[link.Wire]);
            return [.. paths.Select(path => path.ToString())];
        }

        void Draw(Link link, StringBuilder path)
        {
            var (from, to) = (levels.Of(link.From), levels.Of(link.To));
            var isBox = link.To < levels.Boxes;
            int startY = link.From < levels.Boxes ? tops[from] + boxes[link.From].Height : bottoms[from], endY = tops[to];
            var (startX, endX) = (starts[link], ends[link]);
            path.Append(CultureInfo.InvariantCulture, $"M{startX} {startY}");
            var middle = (Math.Max(startY, bottoms[from]) + endY) / 2;
            if (startX == endX) path.Append(CultureInfo.InvariantCulture, $"V{endY}");
            else path.Append(CultureInfo.InvariantCulture, $"C{startX} {middle} {endX} {middle} {endX} {endY}");
            if (isBox) path.Append(CultureInfo.InvariantCulture, $"m-{Tip}-6l{Tip} 6 {Tip}-6");
            else if (bottoms[to] > endY) path.Append(CultureInfo.InvariantCulture, $"V{bottoms[to]}");
        }

        // Links that meet at a box stand side by side, in the order of their other ends.
        static Dictionary<Link, int> Spread(Levels levels, IReadOnlyList<Box> boxes, int[] middles, Func<Link, int> here, Func<Link, int> there)
        {
            var places = new Dictionary<Link, int>();
            foreach (var meeting in levels.Links.GroupBy(here))
            {
                Link[] links = [.. meeting.OrderBy(link => middles[there(link)]).ThenBy(link => link.Wire)];
                for (var i = 0; i < links.Length; i++)
                {
                    var spread = meeting.Key < levels.Boxes ? boxes[meeting.Key].Width * 0.7 * ((i + 1.0) / (links.Length + 1) - 0.5) : 0;
                    places[links[i]] = middles[meeting.Key] + (int)Math.Round(spread);
                }
            }
            return places;
        }
    }
}
