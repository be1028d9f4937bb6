// The picture of a spectrum: eigenvalues in the complex plane against the unit circle.

using System.Numerics;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Bptt.Cli.Pictures;

internal static class EigenvaluePicture
{
    private const double Room = 1.12; // around the larger circle
    private const int CirclePoints = 180;
    private const double LargestDrawn = 1e100; // coordinates are computed from squares and quotients

    /// <summary>Draws.</summary>
    /// <param name="eigenvalues">Of any size; those beyond 1E+100 are told of, not drawn.</param>
    public static Picture Of(IReadOnlyList<Complex> eigenvalues)
    {
        double radius = eigenvalues.Max(e => e.Magnitude);
        bool isDrawn = radius <= LargestDrawn;
        Complex[] drawn = eigenvalues.Where(e => e.Magnitude <= LargestDrawn).ToArray();
        double side = Room * Math.Max(1, drawn.Select(e => e.Magnitude).DefaultIfEmpty(0).Max());
        PlotModel model = PictureStyle.Plot(
            "eigenvalues of W_hh",
            double.IsInfinity(radius) ? "spectral radius beyond 1.8E+308" : $"spectral radius {radius:G5}");
        model.PlotType = PlotType.Cartesian; // a circle is round
        model.Axes.Add(Axis(AxisPosition.Bottom, "real part"));
        model.Axes.Add(Axis(AxisPosition.Left, "imaginary part"));
        model.Annotations.Add(Line(LineAnnotationType.Horizontal));
        model.Annotations.Add(Line(LineAnnotationType.Vertical));
        model.Series.Add(Circle("unit circle", 1, PictureStyle.Grey, LineStyle.Solid));
        if (isDrawn)
        {
            model.Series.Add(Circle("spectral radius", radius, PictureStyle.Blue, LineStyle.Dash));
        }
        else
        {
            model.Annotations.Add(
                PictureStyle.Nothing(0, 0.5 * side, $"{eigenvalues.Count - drawn.Length} beyond 1E+100 not drawn"));
        }
        var points = new ScatterSeries
        {
            Title = "eigenvalue",
            MarkerType = MarkerType.Circle,
            MarkerSize = 4.5,
            MarkerFill = PictureStyle.Vermilion,
            MarkerStroke = PictureStyle.Paper, // those that lie close stay apart
            MarkerStrokeThickness = 0.8,
        };
        points.Points.AddRange(drawn.Select(e => new ScatterPoint(e.Real, e.Imaginary)));
        model.Series.Add(points);
        return new Picture(model, 640, 690);

        LinearAxis Axis(AxisPosition position, string title) => new()
        {
            Position = position,
            Title = title,
            AxisTitleDistance = 8,
            Minimum = -side,
            Maximum = side,
        };
    }

    private static LineAnnotation Line(LineAnnotationType type) => new()
    {
        Type = type,
        Color = PictureStyle.Grid,
        LineStyle = LineStyle.Solid,
        Layer = AnnotationLayer.BelowSeries,
    };

    private static LineSeries Circle(string title, double radius, OxyColor color, LineStyle style)
    {
        var circle = new LineSeries { Title = title, Color = color, StrokeThickness = 1.4, LineStyle = style };
        circle.Points.AddRange(Enumerable.Range(0, CirclePoints + 1).Select(i =>
        {
            (double sine, double cosine) = Math.SinCos(2 * Math.PI * i / CirclePoints);
            return new DataPoint(radius * cosine, radius * sine);
        }));
        return circle;
    }
}
