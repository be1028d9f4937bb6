// The network as an ONNX graph: scaling, recurrence, readout and scaling back, each by the operators above which its
// formula stands.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps      B  sequences

using Bptt.Files;
using Bptt.Onnx.Schema;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Onnx;

internal sealed class LinearRnnGraph
{
    public const string Inputs = "inputs";
    public const string InitialState = "initial_state";
    public const string Outputs = "outputs";
    public const string FinalState = "final_state";

    /// <summary>The initializers of the weights: d×h, h×h and h×q where they are multiplied from the right, and those
    /// of the operator RNN, 1×h×d and 1×h×h.</summary>
    public const string WhxT = "W_hx_T";

    /// <inheritdoc cref="WhxT"/>
    public const string WhhT = "W_hh_T";

    /// <inheritdoc cref="WhxT"/>
    public const string WqhT = "W_qh_T";

    /// <inheritdoc cref="WhxT"/>
    public const string Whx = "W_hx";

    /// <inheritdoc cref="WhxT"/>
    public const string Whh = "W_hh";

    private readonly LinearRnnFile _file;
    private readonly OnnxOptions _options;
    private readonly GraphBuilder _builder;
    private readonly int _h;

    private LinearRnnGraph(LinearRnnFile file, OnnxOptions options)
    {
        _file = file;
        _options = options;
        _builder = new GraphBuilder("linear_rnn", options.Precision);
        _h = file.Model.HiddenSize;
    }

    private bool IsBatchFirst => _options.Order == TensorOrder.BatchTimeFeature;

    /// <summary>The graph of a model.</summary>
    /// <exception cref="ArgumentException">A number is beyond the range of float, which was asked for.</exception>
    public static GraphProto Of(LinearRnnFile file, OnnxOptions options) => new LinearRnnGraph(file, options).Build();

    private GraphProto Build()
    {
        Declare();
        string scaled = Transposed(Scaled(Inputs, _file.Inputs, isBack: false, "scaled_inputs"), "inputs_by_time");
        string start = Start();
        string states = _options.ChosenRecurrence == OnnxRecurrence.Scan ? Scan(scaled, start) : Rnn(scaled, start);

        // o_t = W_qh h_t
        bool isLast = !IsBatchFirst && !NeedsScaling(_file.Outputs);
        string output = _builder.Node(
            "MatMul", isLast ? Outputs : "readout",
            [states, Constant(WqhT, _file.Model.Wqh.Transpose())]);
        if (!isLast)
        {
            output = NeedsScaling(_file.Outputs)
                ? Scaled(output, _file.Outputs, isBack: true, IsBatchFirst ? "scaled_back" : Outputs) : output;
            Transposed(output, Outputs);
        }
        return _builder.Graph;
    }

    private void Declare()
    {
        object[] steps = IsBatchFirst ? ["batch", "time"] : ["time", "batch"];
        string ahead = _file.StepsAhead == 0 ? "the same step" : $"{_file.StepsAhead} steps later";
        _builder.Graph.Input.Add(_builder.Value(
            Inputs, $"In the units of the data: {Names(_file.Inputs)}.", [.. steps, _file.Model.InputSize]));
        _builder.Graph.Input.Add(_builder.Value(
            InitialState,
            "h_0, one row for all sequences or one for each: the final state of the part before, where a stream goes "
                + "on; that of the model where none is given.",
            "one_or_batch", _h));
        _builder.Graph.Output.Add(_builder.Value(
            Outputs,
            $"In the units of the data, for {ahead}: {Names(_file.Outputs)}.",
            [.. steps, _file.Model.OutputSize]));
        _builder.Graph.Output.Add(_builder.Value(FinalState, "h_T of each sequence.", "batch", _h));
    }

    /// <summary>(value − mean) / scale, or value · scale + mean; nothing where that changes no value.</summary>
    private string Scaled(string values, IReadOnlyList<Channel> channels, bool isBack, string result)
    {
        if (!NeedsScaling(channels))
        {
            return values;
        }
        if (_options.Precision == Precision.Single && channels.Any(c => (float)c.Scale == 0.0f))
        {
            throw new ArgumentException(
                "Expected scales in the range of float for single precision, got one that rounds to zero.");
        }
        string side = isBack ? "output" : "input";
        string mean = _builder.Constant($"{side}_mean", [.. channels.Select(c => c.Mean)], channels.Count);
        string scale = _builder.Constant($"{side}_scale", [.. channels.Select(c => c.Scale)], channels.Count);
        if (channels.Count == 1 && _options.Precision == Precision.Double)
        {
            // ONNX Runtime makes one operator of a matrix product and a single constant factor, which it then keeps in
            // float. A factor for each step it leaves alone.
            string shape = _builder.Node("Shape", $"{side}_shape", [values]);
            scale = _builder.Node("Expand", $"{side}_scales", [scale, shape]);
        }
        return isBack
            ? _builder.Node("Add", result, [_builder.Node("Mul", $"{side}_stretched", [values, scale]), mean])
            : _builder.Node("Div", result, [_builder.Node("Sub", $"{side}_centered", [values, mean]), scale]);
    }

    /// <summary>From (batch, time, feature) to (time, batch, feature) or back; nothing where the order is that of
    /// time.</summary>
    private string Transposed(string values, string result) => IsBatchFirst
        ? _builder.Node("Transpose", result, [values], GraphBuilder.Wholes("perm", 1, 0, 2))
        : values;

    /// <summary>h_0 with a row for each sequence.</summary>
    private string Start()
    {
        // The initializer is the value where the input of its name is not given.
        _builder.Constant(InitialState, _file.InitialState.ToArray(), 1, _h);
        long batch = IsBatchFirst ? 0 : 1;
        string count = _builder.Node(
            "Shape", "batch_size", [Inputs], GraphBuilder.Whole("start", batch), GraphBuilder.Whole("end", batch + 1));
        string shape = _builder.Node(
            "Concat", "state_shape", [count, _builder.Integers("hidden_size", _h)], GraphBuilder.Whole("axis", 0));
        return _builder.Node("Expand", "start", [InitialState, shape]);
    }

    /// <summary>h_t = W_hx x_t + W_hh h_{t−1}: all W_hx x_t at once, then a step for each.</summary>
    private string Scan(string inputs, string start)
    {
        string driven = _builder.Node("MatMul", "driven", [inputs, Constant(WhxT, _file.Model.Whx.Transpose())]);
        Constant(WhhT, _file.Model.Whh.Transpose());

        var step = new GraphBuilder("step", _options.Precision);
        step.Graph.Input.Add(step.Value("state", "h_{t-1}", "batch", _h));
        step.Graph.Input.Add(step.Value("drive", "W_hx x_t", "batch", _h));
        string turned = step.Node("MatMul", "turned", ["state", WhhT]);
        step.Node("Add", "next_state", [turned, "drive"]);
        step.Node("Identity", "seen_state", ["next_state"]);
        step.Graph.Output.Add(step.Value("next_state", "h_t", "batch", _h));
        step.Graph.Output.Add(step.Value("seen_state", "h_t", "batch", _h));

        _builder.Node(
            "Scan", [FinalState, "states"], [start, driven],
            GraphBuilder.Body("body", step.Graph), GraphBuilder.Whole("num_scan_inputs", 1));
        return "states";
    }

    /// <summary>The same by the operator RNN, whose activation must be told with its numbers: without them it computes
    /// another function.</summary>
    private string Rnn(string inputs, string start)
    {
        int d = _file.Model.InputSize;
        _builder.Constant(Whx, _file.Model.Whx.ToRowMajorArray(), 1, _h, d);
        _builder.Constant(Whh, _file.Model.Whh.ToRowMajorArray(), 1, _h, _h);
        string direction = _builder.Integers("direction_axis", 1);
        string first = _builder.Integers("first_axis", 0);
        string directed = _builder.Node("Unsqueeze", "directed_start", [start, first]);
        _builder.Node(
            "RNN", ["directed_states", "directed_final"], [inputs, Whx, Whh, "", "", directed],
            GraphBuilder.Whole("hidden_size", _h),
            GraphBuilder.Texts("activations", "Affine"),
            GraphBuilder.Numbers("activation_alpha", 1.0f),
            GraphBuilder.Numbers("activation_beta", 0.0f));
        _builder.Node("Squeeze", FinalState, ["directed_final", first]);
        return _builder.Node("Squeeze", "states", ["directed_states", direction]);
    }

    private string Constant(string name, Matrix<double> matrix) =>
        _builder.Constant(name, matrix.ToRowMajorArray(), matrix.RowCount, matrix.ColumnCount);

    private static bool NeedsScaling(IReadOnlyList<Channel> channels) =>
        channels.Any(c => c.Mean != 0.0 || c.Scale != 1.0);

    private static string Names(IReadOnlyList<Channel> channels) => string.Join(", ", channels.Select(c => c.Name));
}
