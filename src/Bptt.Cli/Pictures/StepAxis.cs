// The horizontal axis of a fit: times where they are named, rows of the table otherwise.

using Bptt.Cli.Data;
using OxyPlot;
using OxyPlot.Axes;

namespace Bptt.Cli.Pictures;

internal sealed class StepAxis
{
    private readonly Dataset _data;
    private readonly TimeColumn? _time;
    private readonly double[] _places;

    /// <summary>Times and rows serve where they grow from step to step; otherwise steps are counted, run after
    /// run.</summary>
    public StepAxis(Dataset data)
    {
        _data = data;
        int[] steps = [.. Enumerable.Range(0, data.Count)];
        double[]? times = data.Time is TimeColumn time
            ? Array.ConvertAll(steps, t => PlaceOf(time, data.RowOf(t) - 1)) : null;
        double[] rows = Array.ConvertAll(steps, t => (double)data.RowOf(t));
        _time = times is not null && Grows(times) ? data.Time : null;
        IsCounted = _time is null && !Grows(rows);
        _places = _time is not null ? times! : IsCounted ? Array.ConvertAll(steps, t => t + 1.0) : rows;
    }

    private bool IsCounted { get; }

    /// <summary>The axis.</summary>
    public Axis Axis()
    {
        LinearAxis axis = PictureStyle.HorizontalAxis(
            SafeText.Clean(_time?.Name ?? (IsCounted ? "step, run after run" : "row of the table")));
        return _time is not { IsDate: true } ? axis : new DateTimeAxis
        {
            Position = axis.Position,
            Title = axis.Title,
            AxisTitleDistance = axis.AxisTitleDistance,
            MinimumPadding = axis.MinimumPadding,
            MaximumPadding = axis.MaximumPadding,
        };
    }

    /// <summary>The points of a line through a value for each step, with a gap between runs.</summary>
    public DataPoint[] Points(double[] values)
    {
        var points = new List<DataPoint>(values.Length);
        for (int t = 0; t < values.Length; t++)
        {
            if (t > 0 && _data.RunOf(t) != _data.RunOf(t - 1))
            {
                points.Add(new DataPoint(Before(t), double.NaN));
            }
            points.Add(new DataPoint(_places[t], values[t]));
        }
        return [.. points];
    }

    /// <summary>The place between a step (from 1 on) and the one before.</summary>
    public double Before(int t) => t == 0 ? _places[0] : (_places[t - 1] + _places[t]) / 2.0;

    private static double PlaceOf(TimeColumn time, int row) =>
        time.IsDate ? DateTimeAxis.ToDouble(TimeColumn.DateOf(time.Values[row])) : time.Values[row];

    private static bool Grows(double[] places) => places.Zip(places.Skip(1)).All(p => p.First < p.Second);
}
