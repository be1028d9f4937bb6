// Objectives on parts of the data against the same objective on a whole that is that part.

using Bptt.LinearRecurrence;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class ObjectivePartTests
{
    private const int Seed = 17;

    private static readonly int[] Lengths = [7, 4, 9];
    private static readonly SequencePart[] Parts = [new(2, 3, 4), new(0, 7, 1), new(2, 8, 2)];

    public static TheoryData<ObjectiveKind, Reduction, bool, double?> Cases
    {
        get
        {
            var cases = new TheoryData<ObjectiveKind, Reduction, bool, double?>();
            foreach (ObjectiveKind kind in Enum.GetValues<ObjectiveKind>())
            {
                foreach (Reduction reduction in Enum.GetValues<Reduction>())
                {
                    cases.Add(kind, reduction, false, null);
                    cases.Add(kind, reduction, true, null);
                    cases.Add(kind, reduction, true, 7.5);
                }
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_part_is_the_objective_made_for_its_steps_alone(
        ObjectiveKind kind, Reduction reduction, bool isWeighted, double? normalizer)
    {
        var examples = new Examples(Seed);
        SequenceBatch inputs = examples.Batch(2, Lengths);
        Matrix<double>[] targets = Array.ConvertAll(Lengths, t => examples.Matrix(3, t));
        int[][] labels = Array.ConvertAll(Lengths, t => examples.Vector(t).Select(v => v > 0.0 ? 2 : 0).ToArray());
        double[][] weights = Array.ConvertAll(
            Lengths, t => examples.Vector(t).Select(v => isWeighted ? Math.Max(0.0, v + 0.5) : 1.0).ToArray());
        Objective whole = Make(kind, reduction, normalizer, targets, labels, isWeighted ? weights : null);
        Objective expected = Make(
            kind,
            reduction,
            normalizer,
            Array.ConvertAll(Parts, p => targets[p.Sequence].SubMatrix(0, 3, p.FirstStep - 1, p.Length)),
            Array.ConvertAll(Parts, p => Cut(labels[p.Sequence], p)),
            isWeighted ? Array.ConvertAll(Parts, p => Cut(weights[p.Sequence], p)) : null);

        LinearRnn model = examples.Model(2, 4, 3);
        SequenceBatch partInputs = inputs.Part(Parts);
        var forward = ForwardPass.Run(model, partInputs);
        var actual = BackwardThroughTime.Run(forward, whole.Part(Parts));
        var direct = BackwardThroughTime.Run(forward, expected);

        whole.CheckWhole(ForwardPass.Run(model, inputs));
        actual.Loss.Should().Be(direct.Loss, $"seed {Seed}");
        actual.Gradients.Entries.Values.ToArray()
            .Should().Equal(direct.Gradients.Entries.Values.ToArray(), $"seed {Seed}");

        // A part of a part counts its steps from its own first one.
        SequencePart[] inner = [new(0, 2, 3)];
        whole.Part(Parts).Part(inner).Loss(ForwardPass.Run(model, partInputs.Part(inner)))
            .Should().Be(expected.Part(inner).Loss(ForwardPass.Run(model, partInputs.Part(inner))), $"seed {Seed}");
    }

    [Fact]
    public void A_part_is_masked_where_all_its_weights_are_zero()
    {
        var examples = new Examples(Seed);
        SequenceBatch inputs = examples.Batch(1, 4, 3);
        Objective objective = Objective.SquaredError(examples.Batch(1, 4, 3))
            .WithStepWeights([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]);

        objective.IsMasked(inputs).Should().BeFalse();
        SequencePart[] masked = [new(0, 1, 2), new(1, 2, 2)];
        objective.Part(masked).IsMasked(inputs.Part(masked)).Should().BeTrue();
        SequencePart[] open = [new(0, 3, 1)];
        objective.Part(open).IsMasked(inputs.Part(open)).Should().BeFalse();
    }

    [Fact]
    public void Selected_sequences_come_in_the_order_given()
    {
        var examples = new Examples(Seed);
        SequenceBatch batch = examples.Batch(2, 3, 5, 4);
        SequenceBatch some = batch.Select([2, 0]);

        some.Lengths.Should().Equal(4, 3);
        some.Sequence(0).Should().Be(batch.Sequence(2));
        some.Sequence(1).Should().Be(batch.Sequence(0));
        batch.Invoking(b => b.Select([])).Should().Throw<ArgumentException>();
        batch.Invoking(b => b.Select([3])).Should().Throw<ArgumentOutOfRangeException>();
        batch.Invoking(b => b.Select(null!)).Should().Throw<ArgumentNullException>();
    }

    private static T[] Cut<T>(T[] values, SequencePart part) =>
        values.AsSpan(part.FirstStep - 1, part.Length).ToArray();

    private static Objective Make(
        ObjectiveKind kind,
        Reduction reduction,
        double? normalizer,
        Matrix<double>[] targets,
        int[][] labels,
        double[][]? weights)
    {
        Objective objective = kind switch
        {
            ObjectiveKind.SquaredError => Objective.SquaredError(SequenceBatch.Pack(targets), reduction),
            ObjectiveKind.Huber => Objective.Huber(SequenceBatch.Pack(targets), 0.3, reduction),
            ObjectiveKind.CrossEntropy => Objective.CrossEntropy(labels, reduction),
            _ => new LogCoshObjective(Array.ConvertAll(targets, t => t.ToArray()), reduction),
        };
        objective = weights is null ? objective : objective.WithStepWeights(weights);
        return normalizer is double n ? objective.WithNormalizer(n) : objective;
    }
}
