// The pieces that a training goes through: mini-batches, windows of time, and the states that they start from.

using Bptt.LinearRecurrence;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Training;

public class TrainerPieceTests
{
    [Fact]
    public void Mini_batches_and_windows_reduce_the_loss_and_carry_the_state()
    {
        var problem = TrainingProblem.Create(seed: 2, 30, 17, 25, 40);
        foreach (InitialStateKind kind in Enum.GetValues<InitialStateKind>())
        {
            var result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
            {
                Optimizer = new Adam(0.01),
                BatchSize = 3,
                WindowLength = 8,
                MaxEpochs = 60,
                InitialStateKind = kind,
            });

            result.BestLoss.Should().BeLessThan(0.3 * result.History[0].Loss, $"of {kind}");
            result.InitialStates.Should().Match(s => kind == InitialStateKind.Learned == (s != null));
        }
    }

    [Fact]
    public void Windows_carry_the_state_of_the_weights_of_their_time_and_cut_the_gradient()
    {
        var problem = TrainingProblem.Create(seed: 4, 6, 11);
        Matrix<double> h0 = new Examples(5).Matrix(3, 2);
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Optimizer = new Sgd(0.1),
            Clipping = null,
            WindowLength = 4,
            InitialStates = h0,
            MaxEpochs = 2,
        });

        // By hand: matrices cut, the state handed on, sequence 0 over after its second window.
        LinearRnn model = problem.Start;
        for (int epoch = 0; epoch < 2; epoch++)
        {
            Matrix<double> states = h0.Clone();
            foreach (SequencePart[] window in new SequencePart[][]
            {
                [new(0, 1, 4), new(1, 1, 4)], [new(0, 5, 2), new(1, 5, 4)], [new(1, 9, 3)],
            })
            {
                SequenceBatch Cut(SequenceBatch batch) => SequenceBatch.Pack(Array.ConvertAll(
                    window, p => batch.Sequence(p.Sequence).SubMatrix(0, batch.RowCount, p.FirstStep - 1, p.Length)));
                var start = Matrix<double>.Build.DenseOfColumnVectors(window.Select(p => states.Column(p.Sequence)));
                var forward = ForwardPass.Run(model, Cut(problem.Inputs), start);
                var objective = Objective.SquaredError(Cut(problem.Targets));
                model = new Sgd(0.1).Step(model, BackwardThroughTime.Run(forward, objective).Gradients);
                for (int i = 0; i < window.Length; i++)
                {
                    states.SetColumn(window[i].Sequence, forward.FinalStates.Column(i));
                }
            }
        }
        result.LastParameters.ToVector().Should().Equal(new Parameters(model).ToVector());
        result.History[^1].Loss.Should().Be(
            problem.Objective.Loss(ForwardPass.Run(model, problem.Inputs, h0)),
            "the state runs through whole sequences");
        result.Updates.Should().Be(6);
        result.InitialStates.Should().Be(h0);
    }

    [Fact]
    public void Mini_batches_take_penalties_and_their_own_initial_states_and_tell_the_largest_norm()
    {
        var problem = TrainingProblem.Create(seed: 19, 5, 8, 3, 6);
        Matrix<double> h0 = new Examples(20).Matrix(3, 4);
        TrainingResult result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, new TrainerOptions
        {
            Optimizer = new Sgd(0.1),
            Clipping = null,
            BatchSize = 1,
            Seed = 3,
            Regularizers = [new L2Regularizer(0.3)],
            InitialStates = h0,
            MaxEpochs = 2,
        });

        LinearRnn model = problem.Start;
        var plan = new EpochPlan(problem.Inputs.Lengths, batchSize: 1, windowLength: null, seed: 3);
        for (int epoch = 1; epoch <= 2; epoch++)
        {
            double largest = 0.0;
            foreach (int b in plan.PiecesOf(epoch).Select(piece => piece.Parts[0].Sequence))
            {
                var forward = ForwardPass.Run(model, problem.Inputs.Sequence(b), h0.Column(b));
                var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(problem.Targets.Sequence(b)));
                Gradients gradients = backward.Gradients.Add(new L2Regularizer(0.3).Evaluate(backward).Gradients);
                largest = Math.Max(largest, gradients.GlobalNorm());
                model = new Sgd(0.1).Step(model, gradients);
            }
            result.History[epoch].GradientNorm.Should().BeApproximately(largest, 1e-14 * largest);
        }
        result.LastParameters.ToVector().Should().Equal(new Parameters(model).ToVector());
    }

    [Fact]
    public void An_epoch_of_mini_batches_sees_every_sequence_once_in_an_order_of_seed_and_epoch()
    {
        int[] lengths = [3, 5, 2, 4, 6, 1, 7];
        foreach (int? window in new int?[] { null, 2 })
        {
            var plan = new EpochPlan(lengths, batchSize: 3, window, seed: 9);
            TrainingPiece[] pieces = plan.PiecesOf(1);

            pieces.SelectMany(p => p.Parts).SelectMany(
                    p => Enumerable.Range(p.FirstStep, p.Length).Select(t => (p.Sequence, t)))
                .Should().BeEquivalentTo(
                    lengths.SelectMany((length, b) => Enumerable.Range(1, length).Select(t => (b, t))));
            pieces.Count(p => p.IsFirstWindow).Should().Be(3);
            pieces.Count(p => p.IsLastWindow).Should().Be(3);
            Order(plan, 1).Should().Equal(Order(new EpochPlan(lengths, 3, window, 9), 1));
            Order(plan, 2).Should().NotEqual(Order(plan, 1));
            Order(new EpochPlan(lengths, 3, window, 10), 1).Should().NotEqual(Order(plan, 1));
        }
        var three = new EpochPlan([1, 1, 1], 1, null, seed: 9);
        Enumerable.Range(1, 100).Select(epoch => string.Join(' ', Order(three, epoch))).Distinct()
            .Should().HaveCount(6, "every order comes");
        new EpochPlan([int.MaxValue], null, int.MaxValue - 1, 0).PiecesOf(1).Should().HaveCount(2, "nothing overflows");

        static int[] Order(EpochPlan plan, int epoch) =>
            [.. plan.PiecesOf(epoch).Where(p => p.IsFirstWindow).SelectMany(p => p.Parts).Select(p => p.Sequence)];
    }

    [Fact]
    public void Learned_initial_states_are_the_parameters_that_they_would_be_alone()
    {
        // One mini-batch holds all sequences, in another order than the whole batch: sums differ by rounding only.
        var problem = TrainingProblem.Create(seed: 6, 5, 8, 3);
        var options = new TrainerOptions
        {
            Optimizer = new Adam(0.05),
            InitialStateKind = InitialStateKind.Learned,
            Clipping = null,
            MaxEpochs = 30,
        };
        TrainingResult whole = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, options);
        TrainingResult batched = Trainer.Run(
            problem.Start, problem.Inputs, problem.Objective, options with { BatchSize = 3 });

        whole.InitialStates!.FrobeniusNorm().Should().BeGreaterThan(0.01);
        (whole.LastParameters.ToVector() - batched.LastParameters.ToVector()).L2Norm().Should().BeLessThan(1e-10);

        var h0 = Matrix<double>.Build.Dense(3, 3);
        LinearRnn model = problem.Start;
        (Adam weights, Adam states) = (new Adam(0.05), new Adam(0.05));
        for (int epoch = 0; epoch < 30; epoch++)
        {
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, problem.Inputs, h0), problem.Objective);
            model = weights.Step(model, backward.Gradients);
            h0 = Matrix<double>.Build.DenseOfColumnMajor(3, 3, states.Step(
                Vector<double>.Build.Dense(h0.ToColumnMajorArray()),
                Vector<double>.Build.Dense(backward.InitialStateGradients.ToColumnMajorArray())));
        }
        whole.LastParameters.InitialStates.Should().Be(h0);
        whole.LastParameters.Model.Whh.Should().Be(model.Whh);
    }

    [Fact]
    public void Windows_from_zero_are_sequences_of_their_own()
    {
        var problem = TrainingProblem.Create(seed: 7, 7, 4);
        SequencePart[] windows = [new(0, 1, 3), new(0, 4, 3), new(0, 7, 1), new(1, 1, 3), new(1, 4, 1)];
        var options = new TrainerOptions { MaxEpochs = 5, InitialStateKind = InitialStateKind.Zero };

        TrainingResult cut = Trainer.Run(
            problem.Start, problem.Inputs, problem.Objective, options with { WindowLength = 3 });
        TrainingResult given = Trainer.Run(
            problem.Start, problem.Inputs.Part(windows), problem.Objective.Part(windows), options);

        cut.LastParameters.ToVector().Should().Equal(given.LastParameters.ToVector());
        cut.History.Select(e => e.Loss).Should().Equal(given.History.Select(e => e.Loss));
    }

    [Fact]
    public void Masked_windows_are_passed_over_and_carry_their_state_on()
    {
        var problem = TrainingProblem.Create(seed: 15, 9);
        double[] weights = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        TrainingResult result = Trainer.Run(
            problem.Start,
            problem.Inputs,
            problem.Objective.WithStepWeights(weights),
            new TrainerOptions { Optimizer = new Sgd(0.1), Clipping = null, WindowLength = 3, MaxEpochs = 4 });

        LinearRnn model = problem.Start;
        var optimizer = new Sgd(0.1);
        for (int epoch = 0; epoch < 4; epoch++)
        {
            Matrix<double>? states = null;
            for (int first = 0; first < 9; first += 3)
            {
                Matrix<double> Cut(SequenceBatch batch) => batch.Sequence(0).SubMatrix(0, batch.RowCount, first, 3);
                var forward = ForwardPass.Run(model, SequenceBatch.Pack([Cut(problem.Inputs)]), states);
                states = forward.FinalStates;
                if (first != 3)
                {
                    var objective = Objective.SquaredError(Cut(problem.Targets));
                    model = optimizer.Step(model, BackwardThroughTime.Run(forward, objective).Gradients);
                }
            }
        }
        result.LastParameters.ToVector().Should().Equal(new Parameters(model).ToVector());
        result.Updates.Should().Be(8);
        result.StopReason.Should().Be(StopReason.EpochLimit);
        result.BestLoss.Should().BeLessThan(result.History[0].Loss);
    }
}
