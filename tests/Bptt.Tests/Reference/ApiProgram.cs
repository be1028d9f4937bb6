// One random program of calls of the public API, and what each call should have given.

using MathNet.Numerics.LinearAlgebra;
using Complex = System.Numerics.Complex;

namespace Bptt.Tests.Reference;

/// <summary>Everything is drawn from the seed.</summary>
/// <param name="seed">The seed.</param>
/// <param name="workspace">Shared by many programs, some of which use it.</param>
internal sealed class ApiProgram(int seed, Workspace workspace)
{
    /// <summary>Below this, single precision may give 0.</summary>
    private const double Flushed = 1e-25;

    private readonly Random _random = new(seed);
    private readonly RandomScenario _scenario = ScenarioTable.Random(seed);
    private string _options = "";
    private double _rounding = 1.0;

    public long NumbersCompared { get; private set; }

    public long Refusals { get; private set; }

    private ScalarProblem<double> Problem => _scenario.Problem;

    public override string ToString() => $"{_scenario.Settings}; {_options}";

    public void Run()
    {
        Way way = Ways.InBothPrecisions[_random.Next(Ways.InBothPrecisions.Count)];
        bool isShared = _random.Next(2) == 0;
        _rounding = way.Rounding;
        ExecutionOptions options = way.For(Problem.HiddenSize, _scenario.Settings.Lengths) with
        {
            Workspace = isShared ? workspace : null,
        };
        TruncationKind? kind = _random.Next(3) switch
        {
            0 => TruncationKind.Lags,
            1 => TruncationKind.Windows,
            _ => null,
        };
        int k = _random.Next(1, 9);
        _options = $"{way}, shared workspace {isShared}, {kind} {k}";

        ScalarPass<double> pass = ScalarLoops<double>.Forward(Problem);
        ScalarPass<double> passBound = ScalarLoops<double>.Forward(Problem.Convert(Math.Abs));
        ForwardPass forward = RunForward(options);
        List<Action> reads = [.. ForwardReads(forward, pass, passBound)];
        if (_random.Next(3) == 0)
        {
            RunSome(reads); // before the backward pass
        }

        bool isGiven = _random.Next(2) == 0;
        Truncation? truncation = kind switch
        {
            TruncationKind.Lags => Truncation.Lags(k),
            TruncationKind.Windows => Truncation.Windows(k),
            _ => null,
        };
        BackwardOptions backwardOptions =
            LibraryConversions.Options(_scenario.FinalStateGradients) with { Truncation = truncation };
        double[][,] given = new RandomNumbers(seed).LikeOutputs(Problem);
        BackwardThroughTime backward = isGiven
            ? RunBackward(forward, given, backwardOptions)
            : BackwardThroughTime.Run(forward, _scenario.Objective, backwardOptions);
        double[][,] outputGradients = isGiven ? given : backward.OutputGradientArrays();
        if (!isGiven)
        {
            CompareObjective(forward, backward);
        }

        ScalarGradients<double> expected = TruncatedRecursion.Backward(
            Problem, pass, outputGradients, _scenario.FinalStateGradients, kind, k);
        ScalarGradients<double> bound = TruncatedRecursion.Backward(
            Problem.Convert(Math.Abs), passBound, outputGradients.Map(Math.Abs),
            _scenario.FinalStateGradients?.Map(Math.Abs), kind, k);
        reads.AddRange(BackwardReads(backward, outputGradients, expected, bound));
        reads.AddRange(WrongCalls(forward, backward));
        RunSome(reads);

        if (isShared && _random.Next(2) == 0)
        {
            RunForward(options with { MemoryBudget = null });
            Refused<InvalidOperationException>(() => forward.Outputs());
            Refused<InvalidOperationException>(() => backward.HiddenStateGradients());
            Compare(backward.Gradients.Whh.ToArray(), expected.Whh, bound.Whh, "∂L/∂W_hh of a pass that is gone");
        }
    }

    /// <summary>In random order, some of them several times.</summary>
    private void RunSome(List<Action> reads)
    {
        int count = _random.Next(1, 2 * reads.Count);
        for (int i = 0; i < count; i++)
        {
            reads[_random.Next(reads.Count)]();
        }
    }

    private ForwardPass RunForward(ExecutionOptions options)
    {
        LinearRnn model = _random.Next(3) == 0
            ? FlatMemory.CreateModel(Flat(Problem.Whx), Flat(Problem.Whh), Flat(Problem.Wqh), Problem.HiddenSize)
            : Problem.ToModel();
        SequenceBatch inputs = Inputs();
        return ForwardPass.Run(
            model, inputs, _scenario.Settings.HasInitialStates ? Problem.InitialStates.ToMatrix() : null, options);
    }

    private SequenceBatch Inputs()
    {
        int longest = _scenario.Settings.Lengths.Max();
        int count = Problem.SequenceCount;
        switch (_random.Next(4))
        {
            case 0:
                return SequenceBatch.FromSteps([.. Problem.Inputs.Select(x => Enumerable.Range(0, x.GetLength(1))
                    .Select(t => Enumerable.Range(0, x.GetLength(0)).Select(i => x[i, t]).ToArray()).ToArray())]);
            case 1:
                TensorOrder order = AnyOrder();
                double[] values = new double[count * longest * Problem.InputSize];
                Array.Fill(values, double.NaN); // padding, which is not read
                ForEachEntry(
                    Problem.Inputs, longest, order, (place, b, i, t) => values[place] = Problem.Inputs[b][i, t]);
                return SequenceBatch.FromTensor(
                    values, count, longest, Problem.InputSize, order, _scenario.Settings.Lengths);
            default:
                return Problem.Inputs.ToBatch();
        }
    }

    private BackwardThroughTime RunBackward(ForwardPass forward, double[][,] gradients, BackwardOptions options)
    {
        if (_random.Next(2) == 0)
        {
            return BackwardThroughTime.Run(forward, gradients.ToBatch(), options);
        }
        int longest = _scenario.Settings.Lengths.Max();
        TensorOrder order = AnyOrder();
        double[] values = new double[Problem.SequenceCount * longest * Problem.OutputSize];
        ForEachEntry(gradients, longest, order, (place, b, i, t) => values[place] = gradients[b][i, t]);
        double[] final = options.FinalStateGradients?.ToColumnMajorArray() ?? [];
        return forward.Backward(values, order, final, options.Truncation);
    }

    private IEnumerable<Action> ForwardReads(
        ForwardPass forward, ScalarPass<double> pass, ScalarPass<double> bound)
    {
        int Sequence() => _random.Next(Problem.SequenceCount);
        yield return () =>
        {
            int b = Sequence();
            Compare(forward.HiddenStates(b).ToArray(), pass.States[b], bound.States[b], $"states of {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            int t = _random.Next(Problem.Length(b) + 1);
            CompareColumn(forward.HiddenState(t, b), pass.States[b], bound.States[b], t, $"h_{t} of {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            Compare(forward.Outputs(b).ToArray(), pass.Outputs[b], bound.Outputs[b], $"outputs of {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            int t = _random.Next(1, Problem.Length(b) + 1);
            CompareColumn(forward.Output(t, b), pass.Outputs[b], bound.Outputs[b], t - 1, $"o_{t} of {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            Compare(
                forward.OutputBatch().Sequence(b).ToArray(), pass.Outputs[b], bound.Outputs[b], $"output batch, {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            CompareColumn(
                forward.FinalStates.Column(b), pass.States[b], bound.States[b], Problem.Length(b), $"h_T of {b}");
            CompareColumn(forward.InitialStates.Column(b), pass.States[b], bound.States[b], 0, $"h_0 of {b}");
        };
        yield return () => CompareFlat(
            forward.CopyOutputsTo, forward.CopyOutputsTo, pass.Outputs, bound.Outputs, 0, "flat outputs");
        yield return () => CompareFlat(
            forward.CopyHiddenStatesTo, forward.CopyHiddenStatesTo, pass.States, bound.States, 1, "flat states");
        yield return () => forward.FirstNonFiniteStep.Should().BeNull();
    }

    private IEnumerable<Action> BackwardReads(
        BackwardThroughTime backward,
        double[][,] outputGradients,
        ScalarGradients<double> expected,
        ScalarGradients<double> bound)
    {
        int Sequence() => _random.Next(Problem.SequenceCount);
        yield return () =>
        {
            Gradients gradients = backward.Gradients;
            Compare(gradients.Whx.ToArray(), expected.Whx, bound.Whx, "∂L/∂W_hx");
            Compare(gradients.Whh.ToArray(), expected.Whh, bound.Whh, "∂L/∂W_hh");
            Compare(gradients.Wqh.ToArray(), expected.Wqh, bound.Wqh, "∂L/∂W_qh");
        };
        yield return () =>
        {
            double[] vector = backward.Gradients.ToVector();
            double[] wanted = new LinearRnn(
                expected.Whx.ToMatrix(), expected.Whh.ToMatrix(), expected.Wqh.ToMatrix()).ToVector();
            double[] allowed = new LinearRnn(
                bound.Whx.ToMatrix(), bound.Whh.ToMatrix(), bound.Wqh.ToMatrix()).ToVector();
            Compare(AsRow(vector), AsRow(wanted), AsRow(allowed), "all weight gradients in a vector");
        };
        yield return () =>
        {
            int b = Sequence();
            Compare(
                backward.HiddenStateGradients(b).ToArray(), expected.HiddenStates[b], bound.HiddenStates[b],
                $"∂L/∂h of {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            int t = _random.Next(Problem.Length(b) + 1);
            CompareColumn(
                backward.HiddenStateGradient(t, b), expected.HiddenStates[b], bound.HiddenStates[b], t,
                $"∂L/∂h_{t} of {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            Compare(backward.InputGradients(b).ToArray(), expected.Inputs[b], bound.Inputs[b], $"∂L/∂x of {b}");
            int t = _random.Next(1, Problem.Length(b) + 1);
            CompareColumn(
                backward.InputGradient(t, b), expected.Inputs[b], bound.Inputs[b], t - 1, $"∂L/∂x_{t} of {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            Compare(
                backward.InputGradientBatch().Sequence(b).ToArray(), expected.Inputs[b], bound.Inputs[b],
                $"∂L/∂x as a batch, {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            CompareColumn(
                backward.InitialStateGradients.Column(b), expected.HiddenStates[b], bound.HiddenStates[b], 0,
                $"∂L/∂h_0 of {b}");
        };
        yield return () =>
        {
            int b = Sequence();
            double[,] own = backward.OutputGradients(b).ToArray();
            Compare(own, outputGradients[b], outputGradients[b].Map(Math.Abs), $"∂L/∂o of {b}");
        };
        yield return () => CompareFlat(
            backward.CopyHiddenStateGradientsTo, backward.CopyHiddenStateGradientsTo,
            expected.HiddenStates, bound.HiddenStates, 1, "flat ∂L/∂h");
        yield return () => CompareFlat(
            backward.CopyInputGradientsTo, backward.CopyInputGradientsTo, expected.Inputs, bound.Inputs, 0,
            "flat ∂L/∂x");
    }

    /// <summary>Calls that are refused, and change nothing.</summary>
    private IEnumerable<Action> WrongCalls(ForwardPass forward, BackwardThroughTime backward)
    {
        int b = _random.Next(Problem.SequenceCount);
        yield return () => Refused<ArgumentOutOfRangeException>(() => forward.HiddenState(Problem.Length(b) + 1, b));
        yield return () => Refused<ArgumentOutOfRangeException>(() => forward.Outputs(Problem.SequenceCount));
        yield return () => Refused<ArgumentOutOfRangeException>(() => backward.InputGradient(0, b));
        yield return () => Refused<ArgumentOutOfRangeException>(() => backward.HiddenStateGradient(-1, b));
        yield return () => Refused<ArgumentException>(() => forward.CopyOutputsTo(new double[1 + (int)1e4]));
        yield return () => Refused<ArgumentException>(() => BackwardThroughTime.Run(
            forward, Matrix<double>.Build.Dense(Problem.OutputSize + 1, Problem.Length(0))));
        yield return () => Refused<ArgumentException>(() => BackwardThroughTime.Run(
            forward, new RandomNumbers(seed).LikeOutputs(Problem).Map(_ => double.NaN).ToBatch()));
    }

    /// <summary>L and ∂L/∂o_t at the outputs that the library has.</summary>
    private void CompareObjective(ForwardPass forward, BackwardThroughTime backward)
    {
        double[][,] outputs = forward.ToArrays().Outputs;
        double loss = _scenario.ComplexObjective.Loss(outputs.Map(o => (Complex)o)).Real;
        RelativeError.Scalar(backward.Loss, loss).Should().BeLessThan(1e-12, "L");
        RelativeError.Scalar(_scenario.Objective.Loss(forward), loss).Should().BeLessThan(1e-12, "L of the objective");
        double[][,] gradients = _scenario.ComplexObjective.Gradients(outputs);
        for (int b = 0; b < outputs.Length; b++)
        {
            // Of order 1 where they are not masked: targets are near the outputs.
            double size = gradients[b].Cast<double>().Max(Math.Abs);
            Compare(backward.OutputGradients(b).ToArray(), gradients[b], gradients[b].Map(_ => size), $"∂L/∂o of {b}");
        }
    }

    private void CompareFlat(
        FlatCopy<double> copy,
        FlatCopy<float> copySingle,
        double[][,] expected,
        double[][,] bound,
        int skip,
        string what)
    {
        int longest = _scenario.Settings.Lengths.Max();
        TensorOrder order = AnyOrder();
        int rows = expected[0].GetLength(0);
        double[] values = new double[expected.Length * longest * rows];
        double own = _rounding;
        if (_random.Next(2) == 0)
        {
            copy(values, order);
        }
        else
        {
            float[] single = new float[values.Length];
            copySingle(single, order);
            values = Array.ConvertAll(single, value => (double)value);
            own = Math.Pow(2.0, 53 - 24);
        }
        double[][,] read = expected.Map(_ => 0.0);
        bool[] isRead = new bool[values.Length];
        ForEachEntry(expected, longest, order, skip, (place, b, i, t) =>
        {
            read[b][i, t] = values[place];
            isRead[place] = true;
        });
        for (int b = 0; b < read.Length; b++)
        {
            for (int i = 0; skip > 0 && i < rows; i++)
            {
                read[b][i, 0] = expected[b][i, 0]; // h_0 is not among them
            }
            (double rounding, _rounding) = (_rounding, own);
            Compare(read[b], expected[b], bound[b], $"{what} of {b}, {order}");
            _rounding = rounding;
        }
        values.Where((value, place) => !isRead[place] && value != 0.0).Should().BeEmpty("padding of {0} is 0", what);
    }

    private void CompareColumn(
        Vector<double> actual, double[,] expected, double[,] bound, int column, string what) => Compare(
        AsRow([.. actual]),
        AsRow(expected.ToMatrix().Column(column).ToArray()),
        AsRow(bound.ToMatrix().Column(column).ToArray()),
        what);

    /// <summary>Within the rounding that sums of such magnitudes have: γ for a thousand roundings in a row.</summary>
    private void Compare(double[,] actual, double[,] expected, double[,] bound, string what)
    {
        (actual.GetLength(0), actual.GetLength(1)).Should().Be((expected.GetLength(0), expected.GetLength(1)), what);
        for (int i = 0; i < expected.GetLength(0); i++)
        {
            for (int j = 0; j < expected.GetLength(1); j++)
            {
                double allowed = (2.3e-13 * _rounding * bound[i, j]) + (_rounding > 1.0 ? Flushed : 0.0);
                if (!(Math.Abs(actual[i, j] - expected[i, j]) <= allowed))
                {
                    throw new Xunit.Sdk.XunitException(
                        $"{what}: expected {expected[i, j]:R} within {allowed:G3} at [{i}, {j}], got {actual[i, j]:R}; "
                        + $"{this}");
                }
            }
        }
        NumbersCompared += expected.Length;
    }

    private void Refused<TException>(Action call)
        where TException : Exception
    {
        call.Should().Throw<TException>("{0}", this);
        Refusals++;
    }

    private TensorOrder AnyOrder() =>
        _random.Next(2) == 0 ? TensorOrder.TimeBatchFeature : TensorOrder.BatchTimeFeature;

    private static void ForEachEntry(
        double[][,] sequences, int longest, TensorOrder order, Action<int, int, int, int> act) =>
        ForEachEntry(sequences, longest, order, 0, act);

    /// <summary>Calls with place in a flat tensor, sequence, row, column; the first columns left out.</summary>
    private static void ForEachEntry(
        double[][,] sequences, int longest, TensorOrder order, int skip, Action<int, int, int, int> act)
    {
        for (int b = 0; b < sequences.Length; b++)
        {
            int rows = sequences[b].GetLength(0);
            for (int t = 0; t < sequences[b].GetLength(1) - skip; t++)
            {
                int step = order == TensorOrder.TimeBatchFeature ? (t * sequences.Length) + b : (b * longest) + t;
                for (int i = 0; i < rows; i++)
                {
                    act((step * rows) + i, b, i, t + skip);
                }
            }
        }
    }

    private static double[] Flat(double[,] matrix) => [.. matrix.Cast<double>()];

    private static double[,] AsRow(double[] values)
    {
        double[,] row = new double[1, values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            row[0, i] = values[i];
        }
        return row;
    }

    private delegate void FlatCopy<TReal>(Span<TReal> target, TensorOrder order);
}
