using System.Globalization;

namespace OnnxEff.Cli.Shell;

/// <summary>Numbers as people read them.</summary>
static class Quantity
{
    static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>"21.1 MiB".</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; Math.Abs(value) >= 1024 && unit < ByteUnits.Length - 1; unit++) value /= 1024;
        return unit == 0 ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {ByteUnits[unit]}");
    }

    /// <summary>"1.5e-5".</summary>
    public static string Scientific(double value) => value == 0 ? "0" : value.ToString("0.0e+0", CultureInfo.InvariantCulture);

    /// <summary>"134.52 M".</summary>
    public static string Count(long count) => count switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e9:0.00} B"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:0.00} M"),
        _ => count.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>"-12 (-25.0%)", "0" where nothing changed.</summary>
    public static string Delta(long before, long after, Func<long, string> show)
    {
        if (before == after) return "0";
        var sign = after > before ? "+" : "-";
        var change = $"{sign}{show(Math.Abs(after - before))}";
        return before == 0 ? change : string.Create(CultureInfo.InvariantCulture, $"{change} ({sign}{Math.Abs(after - before) * 100.0 / before:0.0}%)");
    }

    /// <summary>"1.23 s" or "45 ms".</summary>
    public static string Time(double milliseconds) => milliseconds >= 1000
        ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.00} s")
        : string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0} ms");
}
