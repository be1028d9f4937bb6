// Where nodes, edges and texts of the picture lie. Simple columns: one for each step, h_0 and the parameters before the first,
// the mean and L after the last; rows from x_t at the bottom to ℓ_t at the top. A parameter stands at the head of a rail that
// runs past all columns, from which a branch leaves for each use, so that the picture of many steps stays as readable as that
// of one; the losses join a rail of the same kind to the mean.

namespace Bptt.Graphs;

/// <summary>A place of the picture, from its upper left corner.</summary>
internal readonly record struct GraphPoint(double X, double Y);

/// <summary>A box or a circle.</summary>
internal readonly record struct GraphShape(double X, double Y, double HalfWidth, double HalfHeight);

/// <summary>A line of text; the anchor is SVG's: start, middle or end.</summary>
internal readonly record struct GraphCaption(string Text, double X, double Y, string Anchor);

internal sealed class GraphLayout
{
    /// <summary>Of the texts on nodes, and of those beside them.</summary>
    public const double NodeTextSize = 17;

    /// <inheritdoc cref="NodeTextSize"/>
    public const double TextSize = 13;

    public const double LineHeight = 17;
    public const double Margin = 24;

    private const double HalfBoxHeight = 15;
    private const double HalfBoxWidth = 23;
    private const double HalfParameterWidth = 30;
    private const double Radius = 16;
    private const double MeanRadius = 28;
    private const double TextGap = 6; // between an edge and the text beside it
    private const double ToBaseline = 4; // from the middle of a text of TextSize

    private readonly UnrolledGraph _graph;
    private readonly double _lane; // from the middle of a pair to the edge, and to its gradient on the other side
    private readonly double _beforeOperator; // from h_{t−1} to f_t
    private readonly double _afterOperator; // from f_t to h_t
    private readonly double _busRow;
    private readonly double _lossRow;
    private readonly double _lossOperatorRow;
    private readonly double _outputRow;
    private readonly double _wqhRail;
    private readonly double _outputOperatorRow;
    private readonly double _whhRail;
    private readonly double _stateRow;
    private readonly double _inputRow;
    private readonly double _whxRail;

    public GraphLayout(UnrolledGraph graph)
    {
        _graph = graph;
        bool isWide = graph.Options.ShowGradients;
        _lane = isWide ? 5 : 0;

        // The last step's number has the most digits.
        double formula = isWide ? GraphLabel.Width($"W_hhᵀ ∂L/∂h_{graph.Steps}", TextSize) : 0;
        double handedOn = isWide ? GraphLabel.Width($"∂L/∂h_{graph.Steps}", TextSize) : 0;
        double reader = graph.Options.ShowStored ? GraphLabel.Width("→ ∂L/∂W_hh", TextSize) : 0;
        _beforeOperator = Math.Max(Math.Max(40, formula + 16), reader - 16);
        _afterOperator = Math.Max(36, handedOn + 12);

        _busRow = Margin + MeanRadius;
        _lossRow = _busRow + (isWide ? 62 : 52);
        _lossOperatorRow = _lossRow + (isWide ? 62 : 56);
        _outputRow = _lossOperatorRow + (isWide ? 62 : 56);
        _wqhRail = _outputRow + (isWide ? 54 : 36);
        _outputOperatorRow = _outputRow + (isWide ? 112 : 76);
        _whhRail = _outputOperatorRow + (isWide ? 56 : 40);
        _stateRow = _outputOperatorRow + (isWide ? 120 : 92);
        _inputRow = _stateRow + 84;
        _whxRail = _inputRow + 60;

        double beside = Math.Max(_lane + TextGap + formula, HalfBoxWidth + TextGap + reader);
        Width = Math.Max(MeanColumn + MeanRadius + 40 + 2 * HalfBoxWidth, Column(graph.Steps) + beside) + Margin;
        Height = _whxRail + HalfBoxHeight + Margin;
    }

    /// <summary>Of the graph alone, without a legend.</summary>
    public double Width { get; }

    /// <inheritdoc cref="Width"/>
    public double Height { get; }

    private double MeanColumn => Column(_graph.Steps) + 56 + MeanRadius;

    public GraphShape Shape(GraphNode node)
    {
        int t = node.Step ?? 0;
        return node.Role switch
        {
            GraphRole.Whx => Parameter(_whxRail),
            GraphRole.Whh => Parameter(_whhRail),
            GraphRole.Wqh => Parameter(_wqhRail),
            GraphRole.Input => Box(Column(t), _inputRow),
            GraphRole.StateOperator => Circle(OperatorColumn(t), _stateRow, Radius),
            GraphRole.State => Box(Column(t), _stateRow),
            GraphRole.OutputOperator => Circle(Column(t), _outputOperatorRow, Radius),
            GraphRole.Output => Box(Column(t), _outputRow),
            GraphRole.Target => Box(OperatorColumn(t), _lossOperatorRow),
            GraphRole.LossOperator => Circle(Column(t), _lossOperatorRow, Radius),
            GraphRole.Loss => Box(Column(t), _lossRow),
            GraphRole.Mean => Circle(MeanColumn, _busRow, MeanRadius),
            _ => Box(MeanColumn + MeanRadius + 40 + HalfBoxWidth, _busRow),
        };

        GraphShape Parameter(double y) => new(Column(0), y, HalfParameterWidth, HalfBoxHeight);
        static GraphShape Box(double x, double y) => new(x, y, HalfBoxWidth, HalfBoxHeight);
        static GraphShape Circle(double x, double y, double radius) => new(x, y, radius, radius);
    }

    /// <summary>The corners of an edge, from its beginning to its head.</summary>
    public GraphPoint[] Route(GraphEdge edge) => Route(edge.From, edge.To, _lane);

    /// <inheritdoc cref="Route(GraphEdge)"/>
    public GraphPoint[] Route(GradientEdge edge)
    {
        GraphPoint[] points = Route(edge.To, edge.From, -_lane);
        Array.Reverse(points);
        return points;
    }

    /// <summary>What a gradient edge carries, beside its way.</summary>
    public GraphCaption Caption(GradientEdge edge)
    {
        int t = edge.From.Step ?? edge.To.Step ?? 0;
        double right = Column(t) + _lane + TextGap;
        double left = OperatorColumn(t) - _lane - TextGap;
        double above = _stateRow - _lane - TextGap - (edge.IsCut ? 3 : 0); // a cut's strokes are higher than an arrow
        string text = edge.IsCut ? "cut" : edge.Formula;
        return (edge.From.Role, edge.To.Role) switch
        {
            (GraphRole.Objective, _) => At(MeanColumn + MeanRadius + 20, _busRow + _lane + 14, "middle"),
            (GraphRole.Mean, _) => Between(right, _busRow + _lane, _lossRow - HalfBoxHeight, "start"),
            (GraphRole.Loss, _) => Between(right, _lossRow + HalfBoxHeight, _lossOperatorRow - Radius, "start"),
            (GraphRole.LossOperator, _) => Between(right, _lossOperatorRow + Radius, _outputRow - HalfBoxHeight, "start"),
            (GraphRole.Output, _) => Between(right, _outputRow + HalfBoxHeight, _wqhRail - _lane, "start"),
            (GraphRole.OutputOperator, GraphRole.Wqh) =>
                Between(BranchColumn(t) - _lane - TextGap, _wqhRail + _lane, _outputOperatorRow + _lane, "end"),
            (GraphRole.OutputOperator, _) => Between(right, _outputOperatorRow + Radius, _whhRail - _lane, "start"),
            (GraphRole.State, _) => At((OperatorColumn(t) + Radius + Column(t) - HalfBoxWidth) / 2, above, "middle"),
            (_, GraphRole.State) => At((Column(t - 1) + HalfBoxWidth + OperatorColumn(t) - Radius) / 2, above, "middle"),
            (_, GraphRole.Whh) => Between(left, _whhRail + _lane, above - 2 * TextSize + ToBaseline, "end"),
            _ => At(left, _inputRow + ToBaseline, "end"),
        };

        GraphCaption At(double x, double y, string anchor) => new(text, x, y, anchor);
        GraphCaption Between(double x, double top, double bottom, string anchor) => At(x, (top + bottom) / 2 + ToBaseline, anchor);
    }

    /// <summary>Which gradients read a stored value again, beside its box.</summary>
    public IEnumerable<GraphCaption> Readers(GraphNode node)
    {
        GraphShape box = Shape(node);
        bool isBeside = node.Role == GraphRole.Output; // above and below it stands what its gradient edges carry
        double x = isBeside ? box.X + HalfBoxWidth + TextGap : box.X - HalfBoxWidth;
        double y = isBeside ? box.Y + ToBaseline : box.Y + HalfBoxHeight + LineHeight - 2;
        foreach (string reader in GraphText.Readers(_graph, node))
        {
            yield return new GraphCaption($"→ {reader}", x, y, "start");
            y += LineHeight;
        }
    }

    private GraphPoint[] Route(GraphNode from, GraphNode to, double lane)
    {
        int t = to.Step ?? from.Step ?? 0;
        double row = _stateRow + lane;
        double column = Column(t) - lane;
        double edge = Reach(Radius, lane);
        double railStart = Column(0) + HalfParameterWidth;
        switch (from.Role, to.Role)
        {
            case (GraphRole.Whx, _):
                return [new(railStart, _whxRail + lane), new(OperatorColumn(t) + lane, _whxRail + lane), new(OperatorColumn(t) + lane, _stateRow + edge)];
            case (GraphRole.Whh, _):
                return [new(railStart, _whhRail - lane), new(OperatorColumn(t) + lane, _whhRail - lane), new(OperatorColumn(t) + lane, _stateRow - edge)];
            case (GraphRole.Wqh, _):
                double branch = BranchColumn(t) + lane;
                double end = _outputOperatorRow - lane;
                return [new(railStart, _wqhRail - lane), new(branch, _wqhRail - lane), new(branch, end), new(Column(t) - edge, end)];
            case (GraphRole.Input, _):
                return Slanted(Shape(from), Shape(to));
            case (GraphRole.Target, _):
                return [new(OperatorColumn(t) + HalfBoxWidth, _lossOperatorRow), new(Column(t) - Radius, _lossOperatorRow)];
            case (GraphRole.State, GraphRole.StateOperator):
                return [new(Column(t - 1) + HalfBoxWidth, row), new(OperatorColumn(t) - edge, row)];
            case (GraphRole.StateOperator, _):
                return [new(OperatorColumn(t) + edge, row), new(Column(t) - HalfBoxWidth, row)];
            case (GraphRole.State, _):
                return [new(column, _stateRow - HalfBoxHeight), new(column, _outputOperatorRow + edge)];
            case (GraphRole.OutputOperator, _):
                return [new(column, _outputOperatorRow - edge), new(column, _outputRow + HalfBoxHeight)];
            case (GraphRole.Output, _):
                return [new(column, _outputRow - HalfBoxHeight), new(column, _lossOperatorRow + edge)];
            case (GraphRole.LossOperator, _):
                return [new(column, _lossOperatorRow - edge), new(column, _lossRow + HalfBoxHeight)];
            case (GraphRole.Loss, _):
                double bus = _busRow - lane;
                return [new(column, _lossRow - HalfBoxHeight), new(column, bus), new(MeanColumn - Reach(MeanRadius, lane), bus)];
            default:
                return [new(MeanColumn + Reach(MeanRadius, lane), _busRow - lane), new(MeanColumn + MeanRadius + 40, _busRow - lane)];
        }
    }

    /// <summary>From the upper left corner of a box straight to the middle of a circle, up to its rim.</summary>
    private static GraphPoint[] Slanted(GraphShape box, GraphShape circle)
    {
        var start = new GraphPoint(box.X - box.HalfWidth + 5, box.Y - box.HalfHeight);
        double dx = start.X - circle.X;
        double dy = start.Y - circle.Y;
        double scale = circle.HalfWidth / Math.Sqrt(dx * dx + dy * dy);
        return [start, new(circle.X + scale * dx, circle.Y + scale * dy)];
    }

    /// <summary>From the middle of a circle to its rim along a line that passes beside the middle.</summary>
    private static double Reach(double radius, double beside) => Math.Sqrt(radius * radius - beside * beside);

    /// <summary>The middle of h_t and all above it.</summary>
    private double Column(int t) =>
        Margin + HalfParameterWidth + t * (2 * HalfBoxWidth + _beforeOperator + 2 * Radius + _afterOperator);

    /// <summary>The middle of f_t and y_t.</summary>
    private double OperatorColumn(int t) => Column(t) - HalfBoxWidth - _afterOperator - Radius;

    /// <summary>Where the branch from W_qh turns down to g_t.</summary>
    private double BranchColumn(int t) => Column(t) - Radius - 28;
}
