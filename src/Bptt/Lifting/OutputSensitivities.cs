// How every output moves in many directions of the weights and of h_0, in one matrix recurrence: real-time recurrent
// learning over chunks. Knows no loss and no optimiser.
//
//   d  inputs      h  hidden units      q  outputs      S  steps of a chunk, 1 for step by step      m  directions
//   Ȧ_k, Ċ_k, Ȯ_k, 𝒯̇_k  how the lifted weights move in direction k
//
//   U_c = ∂h_{cS}/∂z, h×m:      U_c = A U_{c−1} + [Ċ_k X_c + Ȧ_k h_{(c−1)S} for each k]
//   ∂O_c/∂z, qS×m:              O U_{c−1} + [𝒯̇_k X_c + Ȯ_k h_{(c−1)S} for each k]

using Bptt.Kernels;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>Writes X_c and h_{(c−1)S}, one below the other.</summary>
/// <param name="chunk">c, from 0.</param>
/// <param name="column">Receives them, dS + h.</param>
internal delegate void SignalWriter(int chunk, Span<double> column);

/// <summary>Reads the derivatives of the outputs of one step.</summary>
/// <param name="step">The step, from 0.</param>
/// <param name="derivatives">∂o/∂z, q×m.</param>
internal delegate void SensitivityReader(int step, MatrixSpan derivatives);

/// <summary>The derivatives of outputs in many directions at once (Williams &amp; Zipser, "A learning algorithm for
/// continually running fully recurrent neural networks", 1989).</summary>
/// <remarks>Cost m·2(h + qS)(dS + 2h) operations for each chunk. Directions are shared among threads; results do not
/// depend on how many there are.</remarks>
internal sealed class OutputSensitivities
{
    private const int DirectionsOfGroup = 32;
    private const int EntriesOfBlock = 1 << 18;

    private readonly PassContext _context;
    private readonly LiftedWeights _weights;
    private readonly Group[] _groups;
    private readonly int _directions;
    private readonly int _signals;     // dS + h
    private readonly int _mostChunks;  // of a block
    private readonly PackedMatrix _transition;
    private readonly PackedMatrix _outputs;
    private readonly double[] _signalColumns;
    private readonly double[] _step;

    /// <param name="weights">The lifted model.</param>
    /// <param name="directions">m.</param>
    /// <param name="direction">V_hx, V_hh and V_qh of each.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public OutputSensitivities(
        LiftedWeights weights, int directions, Func<int, FlatDirection> direction, PassContext context)
    {
        _context = context;
        _weights = weights;
        _directions = directions;
        ParameterArray lifted = weights.Lifted;
        (int h, int outputs) = (lifted.HiddenSize, lifted.OutputSize);
        _signals = lifted.InputSize + h;
        _mostChunks = Math.Clamp(EntriesOfBlock / (directions * (h + outputs)), 1, 64);
        _transition = Pack(lifted.Whh, h, h);
        _outputs = Pack(lifted.Wqh, outputs, h);
        _signalColumns = new double[_signals * _mostChunks];
        _step = new double[weights.Model.OutputSize * directions];
        int count = (directions + DirectionsOfGroup - 1) / DirectionsOfGroup;
        _groups = new Group[count];
        for (int g = 0; g < count; g++)
        {
            int first = g * DirectionsOfGroup;
            _groups[g] = MakeGroup(first, Math.Min(DirectionsOfGroup, directions - first), direction);
        }
    }

    /// <summary>Runs over chunks that follow each other.</summary>
    /// <param name="chunks">How many.</param>
    /// <param name="write">X_c and h_{(c−1)S} of each.</param>
    /// <param name="states">U before the first one, h×m; afterwards behind the last one.</param>
    /// <param name="read">Receives the derivatives of the outputs, step by step.</param>
    public void Run(int chunks, SignalWriter write, double[] states, SensitivityReader read)
    {
        int steps = _weights.ChunkLength;
        int q = _weights.Model.OutputSize;
        for (int first = 0; first < chunks; first += _mostChunks)
        {
            int count = Math.Min(_mostChunks, chunks - first);
            for (int c = 0; c < count; c++)
            {
                write(first + c, _signalColumns.AsSpan(c * _signals, _signals));
            }
            double work = 2.0 * _directions * count * (_weights.Lifted.HiddenSize + _weights.Lifted.OutputSize)
                * (_signals + _weights.Lifted.HiddenSize);
            _context.Each(_groups.Length, g => RunGroup(_groups[g], count, states), work);
            for (int c = 0; c < count; c++)
            {
                for (int j = 0; j < steps; j++)
                {
                    Array.ForEach(_groups, group => group.CopyStep(c, j, q, _step));
                    read((first + c) * steps + j, new MatrixSpan(_step, q, _directions, q));
                }
            }
        }
    }

    private void RunGroup(Group group, int chunks, double[] states)
    {
        KernelSet kernels = _context.Kernels;
        (int h, int outputs) = (_weights.Lifted.HiddenSize, _weights.Lifted.OutputSize);
        var signals = new MatrixView(_signalColumns.AsSpan(0, chunks * _signals), _signals, chunks, _signals);
        kernels.Multiply(group.Drive, signals, group.States(chunks));
        kernels.Multiply(group.Outputs, signals, group.Derivatives(chunks));
        var before = new MatrixSpan(states.AsSpan(group.First * h, group.Count * h), h, group.Count, h);
        MatrixSpan state = before;
        for (int c = 0; c < chunks; c++)
        {
            MatrixSpan derivatives = Reshaped(group.Derivatives(chunks), c, outputs);
            kernels.Step(_outputs, state, derivatives, derivatives);
            MatrixSpan next = Reshaped(group.States(chunks), c, h);
            kernels.Step(_transition, state, next, next);
            state = next;
        }
        state.Values.CopyTo(before.Values);
    }

    private Group MakeGroup(int first, int count, Func<int, FlatDirection> direction)
    {
        ParameterArray lifted = _weights.Lifted;
        (int inputs, int h, int outputs) = (lifted.InputSize, lifted.HiddenSize, lifted.OutputSize);
        var drive = new MatrixSpan(new double[h * count * _signals], h * count, _signals, h * count);
        var direct = new MatrixSpan(new double[outputs * count * _signals], outputs * count, _signals, outputs * count);
        for (int k = 0; k < count; k++)
        {
            int mark = _context.Mark();
            DoublingTerms moved = _weights.Derivative(direction(first + k), _context);
            MatrixSpan driven = drive.RowRange(k * h, h);
            moved.Lifted.Whx.CopyTo(driven.ColumnRange(0, inputs));
            moved.Lifted.Whh.CopyTo(driven.ColumnRange(inputs, h));
            MatrixSpan read = direct.RowRange(k * outputs, outputs);
            DirectTerm.Write(moved.Response.Span, 0, read.ColumnRange(0, inputs));
            moved.Lifted.Wqh.CopyTo(read.ColumnRange(inputs, h));
            _context.Release(mark);
        }
        return new Group(
            first,
            count,
            Pack(drive, drive.Rows, _signals),
            Pack(direct, direct.Rows, _signals),
            new double[h * count * _mostChunks],
            new double[outputs * count * _mostChunks]);
    }

    private PackedMatrix Pack(MatrixView a, int rows, int columns) => _context.Kernels.Pack(
        a, PackedFor.Columns, new double[_context.Kernels.PackedLength(rows, columns, PackedFor.Columns)]);

    /// <summary>A column as a matrix of so many rows.</summary>
    private static MatrixSpan Reshaped(MatrixSpan columns, int column, int rows) =>
        new(columns.Column(column), rows, columns.Rows / rows, rows);

    /// <summary>Some directions.</summary>
    /// <param name="First">The first of them.</param>
    /// <param name="Count">How many.</param>
    /// <param name="Drive">[Ċ_k Ȧ_k], one below the other.</param>
    /// <param name="Outputs">[𝒯̇_k Ȯ_k], one below the other.</param>
    /// <param name="StateColumns">Memory for U of a block of chunks.</param>
    /// <param name="OutputColumns">Memory for ∂O/∂z of a block of chunks.</param>
    private sealed record Group(
        int First,
        int Count,
        PackedMatrix Drive,
        PackedMatrix Outputs,
        double[] StateColumns,
        double[] OutputColumns)
    {
        public MatrixSpan States(int chunks) => new(StateColumns, Drive.Rows, chunks, Drive.Rows);

        public MatrixSpan Derivatives(int chunks) => new(OutputColumns, Outputs.Rows, chunks, Outputs.Rows);

        /// <summary>The derivatives of one step of a chunk.</summary>
        public void CopyStep(int chunk, int step, int q, double[] derivatives)
        {
            int outputs = Outputs.Rows / Count;
            for (int k = 0; k < Count; k++)
            {
                OutputColumns.AsSpan(chunk * Outputs.Rows + k * outputs + step * q, q)
                    .CopyTo(derivatives.AsSpan((First + k) * q, q));
            }
        }
    }
}
