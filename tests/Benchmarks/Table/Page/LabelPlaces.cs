namespace OnnxEff.Benchmarks.Table.Page;

/// <summary>Finds places for the names of points, where they hide neither a point nor another name.</summary>
/// <param name="left">Where the diagram begins.</param>
/// <param name="right">Where it ends.</param>
/// <param name="bottom">Its foot.</param>
/// <param name="points">The points.</param>
sealed class LabelPlaces(double left, double right, double bottom, IReadOnlyList<(double X, double Y)> points)
{
    const double Letter = 6.6, Line = 13, Radius = 5, Gap = 3;

    readonly record struct Box(double X, double Y, double Width)
    {
        public bool Meets(Box other) => X < other.X + other.Width && other.X < X + Width && Y < other.Y + Line && other.Y < Y + Line;

        public bool Covers((double X, double Y) point) => point.X + Radius > X && point.X - Radius < X + Width && point.Y + Radius > Y && point.Y - Radius < Y + Line;
    }

    readonly List<Box> taken = [];

    /// <summary>Where the text of a point begins and its foot.</summary>
    public (double X, double Y) Place(double x, double y, string name)
    {
        double width = name.Length * Letter, beside = Radius + Gap;
        Box[] free =
        [
            .. from away in (double[])[0, 1, 2, 3]
               from box in (Box[])
               [
                   new(x + beside, y - Line / 2 - away * Line, width), new(x - beside - width, y - Line / 2 - away * Line, width),
                   new(x - width / 2, y - beside - Line - away * Line, width), new(x - width / 2, y + beside + away * Line, width),
               ]
               where box.X >= left && box.X + width <= right && box.Y + Line <= bottom + Line / 2 && !taken.Exists(box.Meets) && !points.Any(box.Covers)
               select box,
        ];
        Box chosen = free is [var first, ..] ? first : new(x + beside, y - Line / 2, width);
        taken.Add(chosen);
        return (chosen.X, chosen.Y + Line - Gap);
    }
}
