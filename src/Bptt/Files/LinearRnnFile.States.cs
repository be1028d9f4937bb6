// States of a model in a file from what was measured, and predictions from them.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Files;

public sealed partial class LinearRnnFile
{
    /// <summary>The h_0 from which the model explains measured outputs best: least squares, each output in its own
    /// scale, the shortest h_0 where several do.</summary>
    /// <param name="inputs">d×T, in the units of <see cref="Inputs"/>.</param>
    /// <param name="outputs">q×T, in the units of <see cref="Outputs"/>; NaN where a value is missing.</param>
    /// <returns>Length h, fresh. Cost of a forward pass and O(T·h²(q + 1)).</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">A shape does not fit, an input is not finite, an output is infinite, or none
    /// is measured.</exception>
    /// <exception cref="InvalidOperationException">The model forecasts: see <see cref="StepsAhead"/>.</exception>
    public Vector<double> EstimateInitialState(Matrix<double> inputs, Matrix<double> outputs)
    {
        DemandSameStep();
        Guard.NotEmpty(inputs, "d×T", nameof(inputs));
        Guard.Finite(inputs, nameof(inputs));
        Matrix<double> targets = Scaled(outputs, inputs.ColumnCount);
        Matrix<double> scaled = new Standardizer(Inputs).Apply(inputs);
        return StateEstimate.Of(Model, ForwardPass.Run(Model, scaled).Outputs(), targets);
    }

    /// <summary>Predictions a number of steps ahead, each from a state that is estimated anew from the steps measured
    /// before it, as by <see cref="EstimateInitialState"/>.</summary>
    /// <param name="inputs">d×T, in the units of <see cref="Inputs"/>.</param>
    /// <param name="outputs">q×T, in the units of <see cref="Outputs"/>; NaN where a value is missing.</param>
    /// <param name="horizon">k, at least 1: the prediction of step t knows the outputs up to step t − k, and the inputs
    /// up to step t.</param>
    /// <param name="window">How many steps a state is estimated from, at least 1; best a few times h.</param>
    /// <returns>q×T, in the units of <see cref="Outputs"/>; NaN for the first steps, which have no whole window before
    /// them, and where nothing in a window is measured. Cost O(T·(window + horizon)·h²).</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">A shape does not fit, an input is not finite, or an output is
    /// infinite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The horizon or the window is below 1.</exception>
    /// <exception cref="InvalidOperationException">The model forecasts: see <see cref="StepsAhead"/>.</exception>
    public Matrix<double> PredictAhead(Matrix<double> inputs, Matrix<double> outputs, int horizon, int window)
    {
        DemandSameStep();
        Guard.AtLeastOne(horizon, nameof(horizon));
        Guard.AtLeastOne(window, nameof(window));
        Guard.NotEmpty(inputs, "d×T", nameof(inputs));
        Guard.Finite(inputs, nameof(inputs));
        int steps = inputs.ColumnCount;
        Matrix<double> targets = Scaled(outputs, steps, demandsOne: false);
        Matrix<double> scaled = new Standardizer(Inputs).Apply(inputs);
        var predicted = Matrix<double>.Build.Dense(targets.RowCount, steps, double.NaN);
        for (int first = 0; first + window + horizon <= steps; first++)
        {
            Matrix<double> known = targets.SubMatrix(0, targets.RowCount, first, window);
            if (known.Exists(double.IsFinite))
            {
                Matrix<double> fed = scaled.SubMatrix(0, scaled.RowCount, first, window + horizon);
                Vector<double> state = StateEstimate.Of(Model, ForwardPass.Run(Model, fed).Outputs(), known);
                Matrix<double> ahead = ForwardPass.Run(Model, fed, state).Outputs();
                predicted.SetColumn(first + window + horizon - 1, ahead.Column(window + horizon - 1));
            }
        }
        return new Standardizer(Outputs).Invert(predicted);
    }

    private void DemandSameStep()
    {
        if (StepsAhead > 0)
        {
            throw new InvalidOperationException(
                $"Expected a model of the same step, got one that forecasts {StepsAhead} ahead from inputs that may "
                + "hold measured outputs.");
        }
    }

    private Matrix<double> Scaled(Matrix<double> outputs, int steps, bool demandsOne = true)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        Guard.Length(outputs.RowCount, Model.OutputSize, "q", nameof(outputs));
        Guard.Length(outputs.ColumnCount, steps, "T", nameof(outputs));
        if (outputs.Exists(double.IsInfinity))
        {
            throw Guard.Error(
                nameof(outputs), "expected finite numbers, or NaN where a value is missing, got infinity.");
        }
        return demandsOne && !outputs.Exists(double.IsFinite)
            ? throw Guard.Error(nameof(outputs), "expected at least one measured value, got only NaN.")
            : new Standardizer(Outputs).Apply(outputs);
    }
}
