// One training from start to end: epochs, updates, the best weights, and the reasons to stop.
//
//   h  hidden units      B  sequences

using System.Diagnostics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.Optimization;
using Bptt.Telemetry;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

internal sealed class TrainingRun
{
    private readonly TrainerOptions _options;
    private readonly TrainingState _state;
    private readonly IReadOnlyList<int> _lengths;
    private readonly Matrix<double>? _fixedStates; // h×B
    private readonly EpochPlan _plan;
    private readonly TrainingMemory _memory = new();
    private readonly TrainingUpdate _update;
    private readonly TrainingEvaluation _evaluation;
    private readonly CheckpointKeeper _checkpoints;
    private readonly ProgressReporter _reporter;
    private readonly CancellationToken _cancellation;
    private readonly int _firstEpoch;
    private TrainingPoint? _point; // at the current weights, where an epoch is one update

    public TrainingRun(
        TrainingData data,
        TrainerOptions options,
        Matrix<double>? fixedStates,
        TrainingState state,
        ShardedLoss? shards,
        CheckpointKeeper checkpoints,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellation)
    {
        _options = options;
        _state = state;
        _lengths = data.Lengths;
        _fixedStates = fixedStates;
        _plan = EpochPlan.Of(data, options);
        _update = new TrainingUpdate(data, options, fixedStates, _memory, state, shards);
        _evaluation = new TrainingEvaluation(data, options, fixedStates, _memory, shards);
        _checkpoints = checkpoints;
        _reporter = new ProgressReporter(progress, options.ProgressInterval);
        _cancellation = cancellation;
        _firstEpoch = state.Epoch;
    }

    /// <summary>Why a run ends, and the same in words.</summary>
    private sealed record End(StopReason Reason, string Text);

    public TrainingResult Run()
    {
        using var trace = new TrainingTrace();
        if (trace.IsListenedTo)
        {
            LinearRnn model = _state.Current.Model;
            trace.Describe(
                _state.Optimizer.ToString(),
                (model.InputSize, model.HiddenSize, model.OutputSize),
                _lengths.Count,
                _lengths.Sum());
        }
        try
        {
            End end = RunEpochs();
            _checkpoints.Save(_reporter.Elapsed, isEnd: true);
            _reporter.Report(Progress, isLast: true);
            var result = new TrainingResult(end.Reason, end.Text, _state, _fixedStates, _checkpoints.Fault);
            trace.DescribeEnd(end.Reason.ToString(), result.Epochs, result.Updates, result.BestLoss);
            if (end.Reason == StopReason.NonFinite)
            {
                trace.Fail(end.Text);
            }
            return end.Reason == StopReason.NonFinite && _options.NonFinite == NonFinitePolicy.Throw
                ? throw new TrainingDivergedException(result)
                : result;
        }
        catch (Exception e) when (e is not TrainingDivergedException)
        {
            trace.Fail(e.Message);
            throw;
        }
    }

    private End RunEpochs()
    {
        if (_state.History.Count == 0)
        {
            Record();
        }
        while (true)
        {
            if ((EndAfterEpoch() ?? RunEpoch()) is End end)
            {
                return end;
            }
        }
    }

    private End? EndAfterEpoch()
    {
        EpochRecord last = _state.History[^1];
        if (_state.Piece > 0)
        {
            return null; // resumed inside an epoch
        }
        if (_state.Stuck is string fault)
        {
            return NonFinite(
                $"epoch {_state.Epoch}, in which every update was left out, so that nothing changes any more", fault);
        }
        if (!double.IsFinite(last.Loss) && _options.NonFinite != NonFinitePolicy.SkipUpdate)
        {
            if (_plan.IsWhole)
            {
                _point ??= _update.Evaluate();
            }
            return NonFinite(
                $"the weights after {Epochs}",
                _point is null
                    ? $"the training loss is {NumberText.Exact(last.Loss)}"
                    : NonFiniteText.Of(_point, parts: null));
        }
        if (last.Loss <= _options.TargetLoss)
        {
            return new End(
                StopReason.TargetLoss,
                $"The training loss, {NumberText.Exact(last.Loss)}, reached the target, "
                    + $"{NumberText.Exact(_options.TargetLoss.Value)}, after {Epochs}.");
        }
        if (_state.Converged is string note)
        {
            return new End(StopReason.Converged, $"Converged after {Epochs}{(note.Length > 0 ? $": {note}" : "")}.");
        }
        if (_state.Epoch - _state.BestEpoch >= _options.Patience)
        {
            return new End(
                StopReason.EarlyStopped,
                $"Stopped after {Epochs}: the validation loss has not improved since epoch {_state.BestEpoch}.");
        }
        return _state.Epoch >= _options.MaxEpochs ? new End(StopReason.EpochLimit, $"Ran all {Epochs}.") : null;
    }

    private End? RunEpoch()
    {
        using Activity? trace = TrainingInstruments.BeginEpoch(_state.Epoch + 1);
        TrainingPiece[] pieces = _plan.PiecesOf(_state.Epoch + 1);
        while (_state.Piece < pieces.Length)
        {
            if (_cancellation.IsCancellationRequested)
            {
                return Canceled();
            }
            TrainingPiece piece = pieces[_state.Piece];
            TrainingPiece? previous = _state.Piece > 0 ? pieces[_state.Piece - 1] : null;
            string? fault;
            int updates = _state.Updates;
            long begun = TrainingInstruments.Now();
            try
            {
                fault = _update.Run(piece, previous, ref _point, _cancellation);
            }
            catch (OperationCanceledException) when (_cancellation.IsCancellationRequested)
            {
                return Canceled();
            }
            Count(fault, updates, begun);
            if (fault is not null && _options.NonFinite != NonFinitePolicy.SkipUpdate)
            {
                return NonFinite($"update {_state.Updates + 1}, in epoch {_state.Epoch + 1}", fault);
            }
            _state.Piece++;
            if (_state.Piece == pieces.Length)
            {
                EndEpoch(fault);
                _checkpoints.Save(_reporter.Elapsed);
                return null;
            }
            _checkpoints.Save(_reporter.Elapsed);
            _reporter.Report(Progress);
        }
        return null;
    }

    private void EndEpoch(string? fault)
    {
        _state.Stuck = _state.HasMoved ? null : fault ?? "";
        _state.Epoch++;
        _state.Piece = 0;
        _state.Carry = null;
        _state.HasMoved = false;
        Record();
        _state.LargestNorm = double.NaN;
    }

    /// <summary>Evaluates the current weights, and keeps them where they are the best.</summary>
    private void Record()
    {
        double loss;
        double? validationLoss;
        double norm = _state.LargestNorm;
        if (_plan.IsWhole)
        {
            _point ??= _update.Evaluate();
            loss = _point.Loss;
            validationLoss = _evaluation.ValidationLoss(_state.Current, _point.FinalStates);
            norm = VectorMath.Norm(_point.Gradient);
        }
        else
        {
            (loss, validationLoss) = _evaluation.At(_state.Current);
        }
        TimeSpan elapsed = _state.Before + _reporter.Elapsed;
        _state.History.Add(new EpochRecord(
            _state.Epoch, loss, validationLoss, double.IsFinite(norm) ? norm : null, elapsed));
        TrainingInstruments.EndEpoch(_state.Epoch > 0, loss, validationLoss, _state.History[^1].GradientNorm);
        double judged = validationLoss ?? loss;
        if (double.IsFinite(judged) && judged < _state.BestLoss)
        {
            _state.BestLoss = judged;
            _state.BestEpoch = _state.Epoch;
            _state.Best = _state.Current;
        }
        _reporter.Report(Progress);
    }

    private void Count(string? fault, int updatesBefore, long begun)
    {
        if (fault is not null)
        {
            TrainingInstruments.CountUpdate(UpdateOutcome.Refused, begun);
        }
        else if (_state.Updates > updatesBefore) // otherwise all of its steps are masked
        {
            TrainingInstruments.CountUpdate(
                _update.IsClipped ? UpdateOutcome.Clipped : UpdateOutcome.Moved, begun);
        }
    }

    private string Epochs => _state.Epoch == 1 ? "1 epoch" : $"{_state.Epoch} epochs";

    private End Canceled() => new(StopReason.Canceled, $"Cancelled after {Epochs} and {_state.Updates} updates.");

    private End NonFinite(string where, string fault) => new(
        StopReason.NonFinite,
        $"Stopped at {where}: {fault}. The best weights are those after epoch {_state.BestEpoch}.");

    private TrainingProgress Progress()
    {
        EpochRecord? last = _state.History.Count > 0 ? _state.History[^1] : null;
        int done = _state.Epoch - _firstEpoch;
        return new TrainingProgress
        {
            Epoch = _state.Epoch,
            MaxEpochs = _options.MaxEpochs,
            Updates = _state.Updates,
            Loss = last?.Loss ?? double.NaN,
            ValidationLoss = last?.ValidationLoss,
            BestLoss = _state.BestLoss,
            BestEpoch = _state.BestEpoch,
            Parameters = _state.Current,
            GradientNorm = last?.GradientNorm,
            LearningRate = _update.NextLearningRate,
            Elapsed = _state.Before + _reporter.Elapsed,
            Remaining = done < 1
                ? null
                : ProgressReporter.Times(_reporter.Elapsed / done, Math.Max(0, _options.MaxEpochs - _state.Epoch)),
        };
    }
}
