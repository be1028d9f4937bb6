// A line through many points, as short as a picture can show.

using OxyPlot;
using OxyPlot.Series;

namespace Bptt.Cli.Pictures;

internal static class Curve
{
    private const int MostBuckets = 1000;
    private const int MostMarked = 40;

    /// <summary>A line through the points, with a gap where a value is NaN; each point marked where they are few, since
    /// a line through one alone is not seen.</summary>
    public static LineSeries Of(
        string title,
        IReadOnlyList<DataPoint> points,
        OxyColor color,
        LineStyle style = LineStyle.Solid,
        double thickness = 1.6)
    {
        bool isMarked = points.Count <= (style == LineStyle.Solid ? MostMarked : 2);
        var line = new LineSeries
        {
            Title = title,
            Color = color,
            LineStyle = style,
            StrokeThickness = thickness,
            MarkerType = isMarked ? MarkerType.Circle : MarkerType.None,
            MarkerSize = 2.5,
            MarkerFill = color,
        };
        line.Points.AddRange(Thinned(points));
        return line;
    }

    /// <summary>The points, or, of more than a picture has columns, the lowest and the highest of each of a thousand
    /// stretches: the same picture. The first and the last stay.</summary>
    public static IEnumerable<DataPoint> Thinned(IReadOnlyList<DataPoint> points)
    {
        if (points.Count <= 2 * MostBuckets)
        {
            return points;
        }
        var kept = new SortedSet<int> { 0, points.Count - 1 };
        for (int bucket = 0; bucket < MostBuckets; bucket++)
        {
            int from = (int)((long)points.Count * bucket / MostBuckets);
            int to = (int)((long)points.Count * (bucket + 1) / MostBuckets);
            int low = from;
            int high = from;
            for (int i = from; i < to; i++)
            {
                if (double.IsNaN(points[i].Y))
                {
                    kept.Add(i); // a gap stays a gap
                    break;
                }
                low = points[i].Y < points[low].Y ? i : low;
                high = points[i].Y > points[high].Y ? i : high;
            }
            kept.Add(low);
            kept.Add(high);
        }
        return kept.Select(i => points[i]);
    }
}
