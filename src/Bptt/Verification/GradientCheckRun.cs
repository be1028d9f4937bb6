// One gradient check: which entries and directions are tried, by what method, and where an entry stands. What the
// numbers mean is judged in GradientJudge.

using System.Runtime.ExceptionServices;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using MathNet.Numerics.Random;

namespace Bptt.Verification;

internal sealed class GradientCheckRun
{
    /// <summary>The first step of an extrapolation, and the sizes of a direction, beside what is moved.</summary>
    private const double FirstStep = 0.02;

    /// <summary>Differences are sharp enough where their uncertainty is so much of the tolerance; where a complex step
    /// is possible it is taken otherwise.</summary>
    private const double Sharp = 0.01;

    private readonly Objective _objective;
    private readonly GradientCheckOptions _options;
    private readonly CheckedLoss _loss;
    private readonly ComplexPass? _complex;
    private readonly PackedColumns _outputs;
    private readonly double _typicalState;
    private readonly double _noise;
    private readonly double _lost;
    private readonly ParallelOptions _parallel;

    /// <summary>A check around a pass whose states and loss are known to be finite.</summary>
    public GradientCheckRun(
        ForwardPass forward, Objective objective, GradientCheckOptions options, CancellationToken cancellationToken)
    {
        _objective = objective;
        _options = options;
        var states = new RecordedStates(forward);
        _loss = new CheckedLoss(forward, objective, options.Backward, states);
        _complex = ComplexPass.Around(forward, _loss, states);
        _outputs = forward.OutputBatch().Columns;
        _typicalState = states.TypicalSize();
        _lost = Layout.ColumnCount * ((8.0 * double.Epsilon)
            + (KernelSet.FlushThreshold * _typicalState * Origin.Weights.HiddenSize));
        _noise = _complex is not null ? 0.0 : _loss.Noise();
        ExecutionOptions execution = forward.Options;
        _parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = execution.MemoryBudget is null ? execution.MaxDegreeOfParallelism : 1,
            CancellationToken = cancellationToken,
        };
    }

    private LossPoint Origin => _loss.Origin;

    private BatchLayout Layout => _loss.Layout;

    /// <summary>Checks the gradients of some variables, in their layout, and where given ∂L/∂o_t.</summary>
    public (List<ParameterCheck> Parameters, List<DirectionCheck> Directions) Check(
        (LossVariable Variable, double[] Gradient)[] given, PackedColumns? outputGradients)
    {
        var parameters = new List<ParameterCheck>();
        var directions = new List<DirectionCheck>();
        var random = new MersenneTwister(_options.Seed, threadSafe: false);
        AddDirections(given);
        foreach ((LossVariable variable, double[] gradient) in given)
        {
            ParameterCheck check = Check(
                gradient,
                index => EntryAt(variable, index),
                (index, analytic) => OfEntry(variable, index, analytic));
            parameters.Add(check);
            if (check.CheckedCount < check.EntryCount)
            {
                AddDirections((variable, gradient));
            }
        }
        if (outputGradients is not null)
        {
            int q = outputGradients.Rows;
            parameters.Add(Check(
                outputGradients.All.Values.ToArray(),
                index => EntryAt("o", index % q, index / q),
                (index, analytic) => OfOutput(index % q, index / q, analytic)));
        }
        return (parameters, directions);

        void AddDirections(params (LossVariable Variable, double[] Gradient)[] over)
        {
            // Gradients near the ends of the range of numbers would leave it: then the direction is shorter or longer.
            double largest = over.Max(part => VectorMath.MaxAbs(part.Gradient));
            int exponent = VectorMath.Exponent(largest);
            int shift = Math.Abs(exponent) > 500 ? -exponent : 0;
            (LossVariable, double[])[][] drawn = [.. Enumerable.Range(0, _options.DirectionCount)
                .Select(_ => Array.ConvertAll(
                over,
                part => (
                    part.Variable,
                    Draw(random, part.Gradient.Length, Math.ScaleB(TypicalSize(part.Variable), shift)))))];
            directions.AddRange(InOrder(drawn.Length, i => CheckDirection(over, drawn[i], Math.ScaleB(1.0, -shift))));
        }
    }

    /// <summary>What is typical of the entries of a variable, by which it is moved: their root mean square; where all
    /// are 0 what they would be of.</summary>
    private double TypicalSize(LossVariable variable)
    {
        ReadOnlySpan<double> entries = Origin[variable];
        double size = VectorMath.RootMeanSquare(entries);
        double otherwise = variable switch
        {
            LossVariable.Whx or LossVariable.Inputs => 1.0,
            LossVariable.InitialStates => _typicalState > 0.0 ? _typicalState : 1.0,
            _ => 1.0 / Math.Sqrt(Origin.Weights.HiddenSize),
        };
        return size > 0.0 ? size : otherwise;
    }

    /// <summary>Entries of either sign and from half to one and a half times a size, so that two errors alike do not
    /// cancel.</summary>
    private static double[] Draw(MersenneTwister random, int count, double size)
    {
        double[] entries = new double[count];
        for (int i = 0; i < count; i++)
        {
            entries[i] = (random.NextBoolean() ? size : -size) * (0.5 + random.NextDouble());
        }
        return entries;
    }

    private DirectionCheck CheckDirection(
        (LossVariable Variable, double[] Gradient)[] over,
        (LossVariable Variable, double[] Entries)[] drawn,
        double size)
    {
        var direction = LossDirection.Of(Origin, drawn);
        var analytic = default(CompensatedSum);
        double expected = 0.0;
        double lost = 0.0;
        for (int p = 0; p < over.Length; p++)
        {
            double[] terms = [.. over[p].Gradient.Zip(drawn[p].Entries, (g, v) => g * v)];
            expected = VectorMath.Norm([expected, VectorMath.Norm(terms)]);
            foreach (double term in terms)
            {
                analytic.Add(term);
            }
            lost += _lost * drawn[p].Entries.Sum(Math.Abs);
        }

        Derivative numeric;
        if (_complex is not null)
        {
            numeric = new(
                Settled(_complex.Along(direction), expected, static () => false), DerivativeMethod.ComplexStep);
        }
        else
        {
            LossPoint point = Origin.Copy();
            double LossAt(double s)
            {
                direction.Move(Origin, s, point);
                return _loss.At(point);
            }
            numeric = new(
                Settled(
                    NumericalDerivative.OfSmooth(
                        LossAt, 0.0, FirstStep * size, Sharp * _options.Tolerance, _noise, size),
                    expected,
                    () => SeesMove(direction, size)),
                DerivativeMethod.Differences);
        }
        numeric = numeric.Within(lost, analytic.Value);
        return GradientJudge.Judge(
            [.. over.Select(part => NameOf(part.Variable))], analytic.Value, expected, numeric, _options.Tolerance);
    }

    /// <summary>Checks all entries of a gradient where they are few, otherwise a sample.</summary>
    private ParameterCheck Check(
        double[] gradient, Func<int, EntryName> entryAt, Func<int, double, Derivative> derivativeOf)
    {
        int[] sample = Sample(gradient);
        Derivative[] numeric = InOrder(sample.Length, i => derivativeOf(sample[i], gradient[sample[i]]));
        return GradientJudge.Judge(
            Array.ConvertAll(sample, index => entryAt(index)),
            Array.ConvertAll(sample, index => gradient[index]),
            numeric,
            gradient.Length,
            _options.Tolerance);
    }

    /// <summary>All entries where they are few, otherwise a random sample that includes the largest gradient.</summary>
    private int[] Sample(double[] gradient)
    {
        int[] all = [.. Enumerable.Range(0, gradient.Length)];
        if (all.Length <= _options.MaxEntriesPerParameter)
        {
            return all;
        }
        int largest = all.MaxBy(i => Math.Abs(gradient[i]));
        new MersenneTwister(_options.Seed, threadSafe: false).Shuffle(all);
        return [largest, .. all.Where(i => i != largest).Take(_options.MaxEntriesPerParameter - 1)];
    }

    /// <summary>The derivative of the loss in one entry of a variable.</summary>
    private Derivative OfEntry(LossVariable variable, int index, double analytic)
    {
        var direction = LossDirection.OfEntry(Origin, variable, index);
        bool isQuadratic = _objective.IsQuadratic && variable != LossVariable.Whh;
        double value = Origin[variable][index];
        double size = Math.Max(Math.Abs(value), TypicalSize(variable));
        LossPoint point = Origin.Copy();
        return Of(
            LossAt, value, size, _noise, isQuadratic, analytic, SeesEntryMove, () => _complex!.Along(direction));

        double LossAt(double x)
        {
            point[variable][index] = x;
            return _loss.At(point);
        }

        bool SeesEntryMove() => SeesMove(direction, size);
    }

    /// <summary>The derivative of what one step adds to the loss, in one entry of its output.</summary>
    private Derivative OfOutput(int row, int column, double analytic)
    {
        BatchLayout.Place place = StepOf(column);
        double[] output = _outputs.All.Column(column).ToArray();
        double[] factors = _objective.SequenceFactors(Layout);
        double typical = VectorMath.RootMeanSquare(_outputs.All.Values);
        double value = output[row];
        double size = Math.Max(Math.Abs(value), typical);
        size = size > 0.0 ? size : 1.0;
        double noise = _complex is not null ? 0.0 : LossNoise.Of(s => LossAt(value + (s * size)));
        return Of(
            LossAt, value, size, noise, _objective.IsQuadratic, analytic, () => true,
            () => _complex!.OfStep(place, row));

        double LossAt(double x)
        {
            output[row] = x;
            return _objective.StepTerm(output, place.Sequence, place.Step, factors);
        }
    }

    /// <summary>The derivative of a loss in one number, by the method that suits it.</summary>
    private Derivative Of(
        Func<double, double> loss,
        double value,
        double size,
        double noise,
        bool isQuadratic,
        double analytic,
        Func<bool> seesMove,
        Func<NumericalDerivative> complexStep)
    {
        NumericalDerivative? differences = isQuadratic ? NumericalDerivative.OfQuadratic(loss, value, noise)
            : _complex is null
                ? NumericalDerivative.OfSmooth(
                    loss, value, FirstStep * size, Sharp * _options.Tolerance, noise, size)
            : null;
        bool isSharp = false;
        if (differences is NumericalDerivative found)
        {
            // A disagreement is confirmed too: where states amplify rounding, estimates may agree on a wrong value by
            // chance.
            double allowed = Sharp * _options.Tolerance * Math.Max(Math.Abs(analytic), Math.Abs(found.Value));
            isSharp = found.Uncertainty <= allowed && Math.Abs(analytic - found.Value) <= allowed;
        }
        Derivative derivative = _complex is not null && !isSharp
            ? new(Settled(complexStep(), analytic, static () => false), DerivativeMethod.ComplexStep)
            : new(Settled(differences!.Value, analytic, seesMove), DerivativeMethod.Differences);
        return derivative.Within(_lost, analytic);
    }

    /// <summary>Where the gradient is 0, the loss stays the same to the last bit, and so does all that it looks at, the
    /// zero is certain; so it is where a complex step gives 0.</summary>
    private static NumericalDerivative Settled(NumericalDerivative derivative, double analytic, Func<bool> seesMove) =>
        derivative.IsFlat && analytic == 0.0 && !seesMove()
            ? derivative with { Value = 0.0, Uncertainty = 0.0 }
            : derivative;

    private bool SeesMove(LossDirection direction, double size)
    {
        LossPoint point = Origin.Copy();
        direction.Move(Origin, size, point);
        if (_loss.SeesMove(point))
        {
            return true;
        }
        direction.Move(Origin, -size, point);
        return _loss.SeesMove(point);
    }

    private EntryName EntryAt(LossVariable variable, int index)
    {
        int rows = Origin.Rows(variable);
        (int column, int row) = Math.DivRem(index, rows);
        return variable switch
        {
            LossVariable.InitialStates => new(NameOf(variable), row, column, column, 0),
            LossVariable.Inputs => EntryAt(NameOf(variable), row, column),
            _ => new(NameOf(variable), row, column),
        };
    }

    private EntryName EntryAt(string name, int row, int packedColumn)
    {
        BatchLayout.Place place = StepOf(packedColumn);
        return new(name, row, place.Step - 1, place.Sequence, place.Step);
    }

    /// <summary>Which sequence and which step a packed column belongs to.</summary>
    private BatchLayout.Place StepOf(int column)
    {
        int step = Layout.StepOfColumn(column);
        return new(column, Layout.SequenceAt(column - Layout.BlockOf(step).FirstColumn), step);
    }

    private static string NameOf(LossVariable variable) => variable switch
    {
        LossVariable.Whx => "W_hx",
        LossVariable.Whh => "W_hh",
        LossVariable.Wqh => "W_qh",
        LossVariable.InitialStates => "h_0",
        _ => "x",
    };

    /// <summary>Computes independent items, on several threads; an exception is that of the first item that has
    /// one.</summary>
    private T[] InOrder<T>(int count, Func<int, T> compute)
    {
        var results = new T[count];
        var exceptions = new ExceptionDispatchInfo?[count];
        Parallel.For(0, count, _parallel, (i, state) =>
        {
            try
            {
                results[i] = compute(i);
            }
            catch (Exception exception)
            {
                exceptions[i] = ExceptionDispatchInfo.Capture(exception);
                state.Break(); // the items before it are still computed
            }
        });
        Array.Find(exceptions, e => e is not null)?.Throw();
        return results;
    }
}
