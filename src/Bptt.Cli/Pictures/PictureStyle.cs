// What all pictures share: fonts, colours, legend, axes and the way they become SVG. Knows nothing of what is drawn.

using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Bptt.Cli.Pictures;

/// <summary>The colours are those of Okabe and Ito, which people with any kind of colour vision tell apart; what
/// matters also differs in its dashes.</summary>
internal static class PictureStyle
{
    public static readonly OxyColor Paper = OxyColors.White;
    public static readonly OxyColor Ink = OxyColors.Black;
    public static readonly OxyColor Frame = OxyColors.LightGray;
    public static readonly OxyColor Grid = OxyColor.FromRgb(0xEE, 0xEE, 0xEE);
    public static readonly OxyColor Note = OxyColors.Gray;

    /// <summary>What is given or expected.</summary>
    public static readonly OxyColor Grey = OxyColor.FromRgb(0x55, 0x55, 0x55);

    /// <summary>What was computed, the picture's subject.</summary>
    public static readonly OxyColor Vermilion = OxyColor.FromRgb(0xD5, 0x5E, 0x00);

    /// <summary>A second subject.</summary>
    public static readonly OxyColor Blue = OxyColor.FromRgb(0x00, 0x72, 0xB2);

    /// <summary>An empty plot with the legend below.</summary>
    public static PlotModel Plot(string title, string subtitle)
    {
        var model = new PlotModel
        {
            Title = SafeText.Clean(title),
            Subtitle = SafeText.Clean(subtitle),
            DefaultFont = "sans-serif",
            Background = Paper,
            TextColor = Ink,
            PlotAreaBorderColor = Frame,
            Padding = new OxyThickness(12, 16, 24, 12),
        };
        model.Legends.Add(new Legend
        {
            LegendPlacement = LegendPlacement.Outside,
            LegendPosition = LegendPosition.BottomCenter,
            LegendOrientation = LegendOrientation.Horizontal,
        });
        return model;
    }

    /// <summary>A horizontal axis without room beyond its values.</summary>
    public static LinearAxis HorizontalAxis(string title) => new()
    {
        Position = AxisPosition.Bottom,
        Title = title,
        AxisTitleDistance = 8,
        MinimumPadding = 0,
        MaximumPadding = 0,
    };

    /// <summary>A horizontal axis that counts, from one whole number to another: no mark between two of them.</summary>
    public static LinearAxis CountingAxis(string title, int from, int to)
    {
        double room = from == to ? 0.5 : 0.015 * (to - from); // so that no mark lies on the frame
        LinearAxis axis = HorizontalAxis(title);
        axis.Minimum = from - room;
        axis.Maximum = to + room;
        axis.MinimumMajorStep = 1;
        axis.MinimumMinorStep = 1;
        return axis;
    }

    /// <summary>Makes an axis the vertical one, with lines across the plot.</summary>
    public static T AsVertical<T>(T axis, string title)
        where T : Axis
    {
        axis.Position = AxisPosition.Left;
        axis.Title = SafeText.Clean(title);
        axis.AxisTitleDistance = 8;
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = Grid;
        return axis;
    }

    /// <summary>A ring around one point, explained in the legend.</summary>
    public static ScatterSeries Ring(string title, double x, double y)
    {
        var ring = new ScatterSeries
        {
            Title = title,
            MarkerType = MarkerType.Circle,
            MarkerSize = 5.5,
            MarkerFill = OxyColors.Transparent,
            MarkerStroke = Grey,
            MarkerStrokeThickness = 1.8,
        };
        ring.Points.Add(new ScatterPoint(x, y));
        return ring;
    }

    /// <summary>Says in the plot that there is nothing to draw.</summary>
    public static TextAnnotation Nothing(double x, double y, string text) => new()
    {
        Text = text,
        TextPosition = new DataPoint(x, y),
        TextHorizontalAlignment = HorizontalAlignment.Center,
        TextColor = Note,
        Stroke = OxyColors.Transparent,
    };
}
