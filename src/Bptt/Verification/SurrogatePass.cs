// A truncated gradient is the exact gradient of another loss: this is the forward pass of that loss, in which time is
// cut into stretches that start from recorded states, held constant. Contains no derivative, and shares nothing with
// the truncated backward pass.
//
//   d inputs   h hidden units   q outputs   k steps of the truncation

using Bptt.LinearRecurrence;

namespace Bptt.Verification;

/// <summary>
/// Windows of k steps: steps mk+1 … (m+1)k run from the recorded h_{mk}, a constant; the first window from h_0. k lags:
/// the output of step s comes from the k steps that lead to it, from the recorded h_{s−k}, a constant; from h_0 where s
/// &lt; k.
/// </summary>
internal sealed class SurrogatePass
{
    /// <summary>Columns run at once, so that k lags of a long sequence do not need k times its memory.</summary>
    private const int PreferredColumns = 1 << 16;

    private readonly ForwardPass _forward;
    private readonly RecordedStates _states;
    private readonly List<Stretch[]> _groups = [];

    public SurrogatePass(ForwardPass forward, Truncation truncation, RecordedStates states)
    {
        _forward = forward;
        _states = states;
        var group = new List<Stretch>();
        long columns = 0;
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            foreach (Stretch stretch in truncation.Kind == TruncationKind.Windows
                ? Windows(b, forward.Lengths[b], truncation.Steps)
                : Lags(b, forward.Lengths[b], truncation.Steps))
            {
                if (group.Count > 0 && columns + stretch.Length > PreferredColumns)
                {
                    _groups.Add([.. group]);
                    group.Clear();
                    columns = 0;
                }
                group.Add(stretch);
                columns += stretch.Length;
            }
        }
        _groups.Add([.. group]);
    }

    /// <summary>Steps that run on from one state.</summary>
    /// <param name="Sequence">Whose.</param>
    /// <param name="First">The first step; the state before it is where the stretch begins.</param>
    /// <param name="Last">The last step.</param>
    /// <param name="FirstOutput">The first step whose output counts, to the last.</param>
    /// <param name="BeginsVariable">Whether it begins with h_0 as a variable, and not with a constant.</param>
    private readonly record struct Stretch(int Sequence, int First, int Last, int FirstOutput, bool BeginsVariable)
    {
        public int Length => Last - First + 1;
    }

    /// <summary>The outputs, and h_T of every sequence, h×B.</summary>
    public (PackedColumns Outputs, double[] FinalStates) Run(LossPoint point)
    {
        int h = point.Weights.HiddenSize;
        PackedColumns outputs = PassContext.FreshColumns(point.Weights.OutputSize, point.Inputs.Layout);
        double[] finalStates = new double[point.InitialStates.Length];
        foreach (Stretch[] group in _groups)
        {
            var layout = new BatchLayout(Array.ConvertAll(group, s => s.Length));
            PackedColumns inputs = PassContext.FreshColumns(point.Inputs.Rows, layout);
            double[] begin = new double[h * group.Length];
            for (int i = 0; i < group.Length; i++)
            {
                Stretch stretch = group[i];
                ReadOnlySpan<double> from = stretch.BeginsVariable
                    ? point.InitialStates.Slice(stretch.Sequence * h, h)
                    : _states[stretch.Sequence, stretch.First - 1];
                from.CopyTo(begin.AsSpan(i * h));
                for (int t = stretch.First; t <= stretch.Last; t++)
                {
                    point.Inputs.Column(stretch.Sequence, t).CopyTo(inputs.Column(i, t - stretch.First + 1));
                }
            }

            ForwardPass pass = _forward.Rerun(new LinearRnn(point.Weights), begin, inputs);
            double[] end = pass.FinalStates.ToColumnMajorArray();
            for (int i = 0; i < group.Length; i++)
            {
                Stretch stretch = group[i];
                for (int t = stretch.FirstOutput; t <= stretch.Last; t++)
                {
                    pass.OutputColumns.Column(i, t - stretch.First + 1).CopyTo(outputs.Column(stretch.Sequence, t));
                }
                if (stretch.Last == _forward.Lengths[stretch.Sequence])
                {
                    end.AsSpan(i * h, h).CopyTo(finalStates.AsSpan(stretch.Sequence * h));
                }
            }
        }
        return (outputs, finalStates);
    }

    private static IEnumerable<Stretch> Windows(int sequence, int length, int k)
    {
        for (long first = 1; first <= length; first += k)
        {
            yield return new Stretch(
                sequence, (int)first, (int)Math.Min(length, first + k - 1), (int)first, BeginsVariable: first == 1);
        }
    }

    private static IEnumerable<Stretch> Lags(int sequence, int length, int k)
    {
        for (int s = 1; s <= length; s++)
        {
            yield return new Stretch(sequence, Math.Max(1, s - k + 1), s, s, BeginsVariable: s < k);
        }
    }
}
