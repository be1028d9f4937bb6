// What is looked at: a model on the training part of given data.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Data;

/// <summary>A model and the data that it runs over.</summary>
/// <param name="Data">The data.</param>
/// <param name="Model">The model.</param>
/// <param name="InitialState">h_0; zero where null.</param>
/// <param name="Origin">Where the model comes from, in words.</param>
internal sealed record Subject(Dataset Data, LinearRnn Model, Vector<double>? InitialState, string Origin)
{
    /// <summary>½‖o_t − y_t‖², the mean over the training part.</summary>
    public Objective Objective => Data.Training.Objective;

    /// <summary>The pass over the training part, each run from h_0.</summary>
    public ForwardPass Run() => ForwardPass.Run(
        Model, Data.Training.Inputs, Dataset.StatesOf(InitialState, Data.Training.Inputs.Count));

    /// <summary>Data and model, in a line.</summary>
    public override string ToString() => $"{Data.Name}: {Data.TrainingCount} rows; {Origin}";
}
