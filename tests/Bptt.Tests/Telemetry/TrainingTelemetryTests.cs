// What a training tells the meter and the activity source, as a listener of .NET hears it.

using System.Diagnostics;
using System.Diagnostics.Metrics;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Telemetry;
using Bptt.Tests.Training;
using Bptt.Training;

namespace Bptt.Tests.Telemetry;

public class TrainingTelemetryTests
{
    [Fact]
    public void Losses_norms_updates_and_epochs_are_those_of_the_history()
    {
        var problem = TrainingProblem.Create(seed: 1, 40, 30);
        var options = new TrainerOptions
        {
            Optimizer = new Sgd(0.01),
            Clipping = new GlobalNormClipping(0.05),
            MaxEpochs = 7,
            BatchSize = 1,
            Validation = new ValidationSet(problem.Inputs, problem.Objective),
        };
        TrainingResult result = null!;
        using var heard = new Heard();

        heard.While(() => result = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, options));

        heard.Of("bptt.training.loss").Should().Equal(result.History.Select(e => e.Loss));
        heard.Of("bptt.training.validation.loss").Should().Equal(result.History.Select(e => e.ValidationLoss!.Value));
        heard.Of("bptt.training.gradient.norm").Should()
            .Equal(result.History.Skip(1).Select(e => e.GradientNorm!.Value));
        heard.Of("bptt.training.epochs").Should().Equal(Enumerable.Repeat(1.0, 7));
        heard.Of("bptt.training.updates").Should().HaveCount(14);
        heard.Outcomes.Should().Contain("clipped").And.OnlyContain(o => o == "clipped" || o == "moved");
        heard.Of("bptt.training.update.duration").Should().HaveCount(14).And.OnlyContain(s => s > 0 && s < 60);
    }

    [Fact]
    public void Updates_without_clipping_are_told_as_moved_and_those_that_are_not_finite_as_refused()
    {
        var problem = TrainingProblem.Create(seed: 2, 40);
        using var heard = new Heard();

        heard.While(() => Trainer.Run(
            problem.Start,
            problem.Inputs,
            problem.Objective,
            new TrainerOptions { Optimizer = new Sgd(0.01), Clipping = null, MaxEpochs = 3 }));
        heard.Outcomes.Should().Equal("moved", "moved", "moved");
        heard.Outcomes.Clear();

        heard.While(() => Trainer.Run(
            problem.Start,
            problem.Inputs,
            problem.Objective,
            new TrainerOptions
            {
                Optimizer = new Sgd(1e200),
                Clipping = null,
                MaxEpochs = 3,
                NonFinite = NonFinitePolicy.SkipUpdate,
            }));
        heard.Outcomes.Should().Contain("refused");
    }

    [Fact]
    public void Pieces_whose_steps_are_all_masked_are_no_updates()
    {
        var problem = TrainingProblem.Create(seed: 3, 20, 20);
        Objective objective = problem.Objective.WithStepWeights([new double[20], Ones(20)]);
        using var heard = new Heard();

        heard.While(() => Trainer.Run(
            problem.Start,
            problem.Inputs,
            objective,
            new TrainerOptions { Optimizer = new Sgd(0.01), MaxEpochs = 2, BatchSize = 1 }));

        heard.Outcomes.Should().HaveCount(2);
    }

    [Fact]
    public void A_trace_has_the_training_its_epochs_and_its_end()
    {
        var problem = TrainingProblem.Create(seed: 4, 40, 30);
        using var heard = new Heard();

        heard.While(() => Trainer.Run(
            problem.Start,
            problem.Inputs,
            problem.Objective,
            new TrainerOptions { Optimizer = new Adam(0.01), MaxEpochs = 3 }));

        Activity training = heard.Activities.Single(a => a.OperationName == "bptt.train");
        Activity[] epochs = heard.Activities.Where(a => a.OperationName == "bptt.epoch").ToArray();
        epochs.Select(e => e.GetTagItem("bptt.epoch")).Should().Equal(1, 2, 3);
        epochs.Should().OnlyContain(e => e.ParentSpanId == training.SpanId);
        training.GetTagItem("bptt.optimizer").Should().Be(new Adam(0.01).ToString());
        training.GetTagItem("bptt.hidden.size").Should().Be(3);
        training.GetTagItem("bptt.sequences").Should().Be(2);
        training.GetTagItem("bptt.steps").Should().Be(70);
        training.GetTagItem("bptt.stop.reason").Should().Be("EpochLimit");
        training.GetTagItem("bptt.updates").Should().Be(3);
        training.Status.Should().Be(ActivityStatusCode.Unset);
    }

    [Fact]
    public void A_training_that_diverges_ends_its_trace_as_an_error()
    {
        var problem = TrainingProblem.Create(seed: 5, 40);
        var options = new TrainerOptions { Optimizer = new Sgd(1e200), Clipping = null };
        using var heard = new Heard();

        heard.While(() => Trainer.Run(problem.Start, problem.Inputs, problem.Objective, options));
        heard.While(() => FluentActions
            .Invoking(() => Trainer.Run(
                problem.Start,
                problem.Inputs,
                problem.Objective,
                options with { NonFinite = NonFinitePolicy.Throw }))
            .Should().Throw<TrainingDivergedException>());

        heard.Activities.Where(a => a.OperationName == "bptt.train").Should().HaveCount(2).And.OnlyContain(a =>
            a.Status == ActivityStatusCode.Error && (string?)a.GetTagItem("bptt.stop.reason") == "NonFinite");
    }

    [Fact]
    public void A_training_is_the_same_whether_somebody_listens_or_not()
    {
        var problem = TrainingProblem.Create(seed: 6, 40, 30);
        var options = new TrainerOptions { Optimizer = new Adam(0.01), MaxEpochs = 5, BatchSize = 1 };
        using var heard = new Heard();

        TrainingResult alone = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, options);
        TrainingResult watched = null!;
        heard.While(() => watched = Trainer.Run(problem.Start, problem.Inputs, problem.Objective, options));

        watched.Model.Whh.ToColumnMajorArray().Should().Equal(alone.Model.Whh.ToColumnMajorArray());
    }

    private static double[] Ones(int count) => [.. Enumerable.Repeat(1.0, count)];

    /// <summary>All that is told on this thread while something runs; other tests train at the same time.</summary>
    private sealed class Heard : IDisposable
    {
        private readonly MeterListener _meters;
        private readonly ActivityListener _traces;
        private readonly Dictionary<string, List<double>> _values = [];
        private int _thread = -1;

        public Heard()
        {
            _meters = new MeterListener
            {
                InstrumentPublished = (instrument, listener) =>
                {
                    if (instrument.Meter.Name == BpttTelemetry.MeterName)
                    {
                        listener.EnableMeasurementEvents(instrument);
                    }
                },
            };
            _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.Start();
            _traces = new ActivityListener
            {
                ShouldListenTo = source => source.Name == BpttTelemetry.ActivitySourceName,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => IsMine
                    ? ActivitySamplingResult.AllData
                    : ActivitySamplingResult.None,
                ActivityStopped = activity => Activities.Add(activity),
            };
            ActivitySource.AddActivityListener(_traces);
        }

        public List<Activity> Activities { get; } = [];

        public List<string> Outcomes { get; } = [];

        private bool IsMine => Environment.CurrentManagedThreadId == _thread;

        public List<double> Of(string instrument) => _values.GetValueOrDefault(instrument, []);

        public void While(Action run)
        {
            _thread = Environment.CurrentManagedThreadId;
            run();
            _thread = -1;
        }

        public void Dispose()
        {
            _traces.Dispose();
            _meters.Dispose();
        }

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (!IsMine)
            {
                return;
            }
            if (!_values.TryGetValue(instrument.Name, out List<double>? values))
            {
                _values[instrument.Name] = values = [];
            }
            values.Add(value);
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                Outcomes.Add((string)tag.Value!);
            }
        }
    }
}
