// The data of an estimation: channels of size 1, which steps count, and which of them each fold leaves out.
//
//   d  inputs      q  outputs      T_b  steps of sequence b      K  folds

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>Sequences whose channels are divided by their root mean square over the steps that count. Targets of steps
/// that do not count are zero here and mean nothing.</summary>
internal sealed class EstimationData
{
    /// <summary>The most steps of one output that candidates are compared on, of q outputs √q times fewer; of more,
    /// segments spread evenly are taken.</summary>
    private const int MostSteps = 6000;

    private const int SegmentLength = 1500;

    /// <summary>Of a sequence's blocks, the first is this part of the others and never left out: what happens at the
    /// start can be learned nowhere else.</summary>
    private const double FirstBlock = 0.5;

    /// <summary>One more fold leaves out this last part of each sequence: what a model says of times beyond all that it
    /// was fitted to is what it is for, and the other folds hardly ask.</summary>
    private const double Ahead = 0.4;

    /// <summary>The fewest steps of a block.</summary>
    private const int FewestSteps = 3;

    private const int LeastStretch = 4;

    /// <summary>Of what counts, in stretches.</summary>
    private const double LeastPart = 0.3;

    public EstimationData(SequenceBatch inputs, SequenceBatch targets, double[][] weights)
    {
        Weights = weights;
        Inputs = [.. Enumerable.Range(0, inputs.Count).Select(inputs.Sequence)];
        Targets = [.. Enumerable.Range(0, targets.Count).Select(targets.Sequence)];
        for (int b = 0; b < weights.Length; b++)
        {
            for (int t = 0; t < weights[b].Length; t++)
            {
                if (weights[b][t] == 0.0)
                {
                    Targets[b].SetColumn(t, new double[targets.RowCount]);
                }
            }
        }
        InputScale = IdentificationData.RootMeanSquares(inputs);
        double counted = weights.Sum(w => w.Count(x => x > 0.0)) / (double)inputs.TotalLength;
        TargetScale = IdentificationData.RootMeanSquares(SequenceBatch.Pack(Targets)) / Math.Sqrt(counted);
        Scale(Inputs, InputScale);
        Scale(Targets, TargetScale);
    }

    private EstimationData(EstimationData whole, List<(int Sequence, int First, int Count)> segments)
    {
        (InputScale, TargetScale) = (whole.InputScale, whole.TargetScale);
        Inputs = [.. segments.Select(s => whole.Inputs[s.Sequence].SubMatrix(0, InputScale.Count, s.First, s.Count))];
        Targets =
            [.. segments.Select(s => whole.Targets[s.Sequence].SubMatrix(0, TargetScale.Count, s.First, s.Count))];
        Weights = [.. segments.Select(s => whole.Weights[s.Sequence][s.First..(s.First + s.Count)])];
    }

    /// <summary>d×T_b.</summary>
    public Matrix<double>[] Inputs { get; }

    /// <summary>q×T_b.</summary>
    public Matrix<double>[] Targets { get; }

    /// <summary>At least 0; 0 for steps that do not count.</summary>
    public double[][] Weights { get; }

    public Vector<double> InputScale { get; }

    public Vector<double> TargetScale { get; }

    public int InputSize => InputScale.Count;

    public int OutputSize => TargetScale.Count;

    public int Count => Inputs.Length;

    /// <summary>ΣT_b.</summary>
    public int TotalLength => Inputs.Sum(u => u.ColumnCount);

    /// <summary>The steps that count.</summary>
    public int CountedSteps => Weights.Sum(w => w.Count(x => x > 0.0));

    /// <summary>The same where steps are few; where they are many, segments spread over all of them.</summary>
    public EstimationData ForComparison()
    {
        double most = MostSteps / Math.Sqrt(OutputSize);
        if (TotalLength <= 1.5 * most)
        {
            return this;
        }
        List<(int, int, int)> pieces = [];
        for (int b = 0; b < Count; b++)
        {
            int length = Inputs[b].ColumnCount;
            for (int first = 0; first < length; first += SegmentLength)
            {
                pieces.Add((b, first, Math.Min(SegmentLength, length - first)));
            }
        }
        double wanted = pieces.Count * most / TotalLength;
        int take = Math.Clamp((int)Math.Round(wanted), 1, pieces.Count);
        List<(int, int, int)> chosen =
            [.. Enumerable.Range(0, take).Select(i => pieces[(int)((i + 0.5) * pieces.Count / take)])];
        return new EstimationData(this, chosen);
    }

    /// <summary>For each fold the weights of the steps that it leaves out, zero elsewhere; none where steps are too
    /// few.</summary>
    public List<double[][]> Folds(int count)
    {
        int most = Weights.Max(w => w.Length);
        List<double[][]> folds = [];
        bool byBlocks = most / (count + FirstBlock) >= FewestSteps;
        if (!byBlocks && Count < count)
        {
            return folds;
        }
        for (int k = 0; k < count; k++)
        {
            double[][] left = [.. Weights.Select(w => new double[w.Length])];
            for (int b = 0; b < Count; b++)
            {
                int length = Weights[b].Length;
                double block = length / (count + FirstBlock);
                (int from, int to) = block >= FewestSteps ? Block(length, block, (k + b) % count)
                    : b % count == k ? (0, length) : (0, 0);
                Array.Copy(Weights[b], from, left[b], from, to - from);
            }
            if (left.Any(w => w.Any(x => x > 0.0)))
            {
                folds.Add(left);
            }
        }
        double[][] ahead = [.. Weights.Select(w => new double[w.Length])];
        for (int b = 0; b < Count; b++)
        {
            int length = Weights[b].Length;
            if (length / (count + FirstBlock) >= FewestSteps)
            {
                int from = (int)Math.Round((1.0 - Ahead) * length);
                Array.Copy(Weights[b], from, ahead[b], from, length - from);
            }
        }
        if (ahead.Any(w => w.Any(x => x > 0.0)))
        {
            folds.Add(ahead);
        }
        return folds.Count < 2 ? [] : folds;

        (int, int) Block(int length, double block, int which)
        {
            double first = FirstBlock * block + which * block;
            return ((int)Math.Round(first), which == count - 1 ? length : (int)Math.Round(first + block));
        }
    }

    /// <summary>What starts are computed from: stretches that all count; where those hold little of what counts, as
    /// of outputs that are measured now and then, whole sequences with targets interpolated.</summary>
    public IdentificationData? ForStarts(double[][] weights)
    {
        List<(int Sequence, int First, int Count)> stretches = Stretches(weights);
        double counted = weights.Sum(w => w.Count(x => x > 0.0));
        if (counted > 0 && stretches.Sum(s => s.Count) < LeastPart * counted)
        {
            return new IdentificationData(Inputs, [.. weights.Select((w, b) => Interpolated(Targets[b], w))]);
        }
        return stretches.Count == 0 ? null : new IdentificationData(
            [.. stretches.Select(s => Inputs[s.Sequence].SubMatrix(0, InputSize, s.First, s.Count))],
            [.. stretches.Select(s => Targets[s.Sequence].SubMatrix(0, OutputSize, s.First, s.Count))]);
    }

    private static Matrix<double> Interpolated(Matrix<double> targets, double[] weights)
    {
        int[] known = [.. Enumerable.Range(0, weights.Length).Where(t => weights[t] > 0.0)];
        Matrix<double> filled = targets.Clone();
        for (int t = 0, after = 0; known.Length > 0 && t < weights.Length; t++)
        {
            while (after < known.Length - 1 && known[after] < t)
            {
                after++;
            }
            int right = known[after];
            int left = right <= t || after == 0 ? right : known[after - 1];
            double part = right == left ? 0.0 : (double)(t - left) / (right - left);
            filled.SetColumn(t, (1.0 - part) * targets.Column(left) + part * targets.Column(right));
        }
        return filled;
    }

    /// <summary>Stretches of steps that all count, long enough for a regression.</summary>
    private List<(int Sequence, int First, int Count)> Stretches(double[][] weights)
    {
        List<(int, int, int)> stretches = [];
        for (int b = 0; b < Count; b++)
        {
            int first = 0;
            for (int t = 0; t <= weights[b].Length; t++)
            {
                if (t < weights[b].Length && weights[b][t] > 0.0)
                {
                    continue;
                }
                if (t - first >= LeastStretch)
                {
                    stretches.Add((b, first, t - first));
                }
                first = t + 1;
            }
        }
        return stretches;
    }

    private static void Scale(Matrix<double>[] sequences, Vector<double> scale)
    {
        var inverse = Matrix<double>.Build.DenseOfDiagonalVector(1.0 / scale);
        for (int b = 0; b < sequences.Length; b++)
        {
            sequences[b] = inverse * sequences[b];
        }
    }
}
