// What the tests of second-order optimisers share: a loss from a scenario, a loop, and a penalty whose Hessian is λI.

using Bptt.Edge;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Optimization;

internal static class SecondOrder
{
    /// <summary>Steps until the method has converged.</summary>
    public static (TrainingPoint End, int Steps) Minimise(
        TrainingLoss loss, Parameters start, Optimizer method, int most = 400)
    {
        TrainingPoint at = loss.Evaluate(start);
        for (int count = 1; count <= most; count++)
        {
            OptimizerStep step = method.Step(loss, at, default);
            at = step.Evaluated!;
            if (step.IsConverged)
            {
                return (at, count);
            }
        }
        return (at, most);
    }

    public static TrainingLoss LossOf(
        RandomScenario scenario, out Parameters parameters, bool learnsInitialStates, Truncation? truncation = null)
    {
        Matrix<double> states = scenario.Problem.InitialStates.ToMatrix();
        parameters = new Parameters(scenario.Problem.ToModel(), learnsInitialStates ? states : null);
        return new TrainingLoss(
            scenario.Problem.Inputs.ToBatch(),
            scenario.Objective,
            new TrainingLossOptions { InitialStates = states, Truncation = truncation });
    }

    /// <summary>½λ‖W‖² over all weights.</summary>
    public sealed class Ridge(double lambda) : Regularizer
    {
        protected override FormattableString Settings => $"{lambda}";

        internal override double? Curvature => lambda;

        public override (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward)
        {
            LinearRnn model = backward.Forward.Model;
            return (Value(backward), lambda * new Gradients(model.Whx, model.Whh, model.Wqh));
        }

        public override double Value(BackwardThroughTime backward) => ValueOf(backward.Forward.Model)!.Value;

        internal override double? ValueOf(LinearRnn model) =>
            0.5 * lambda * Math.Pow(new Gradients(model.Whx, model.Whh, model.Wqh).GlobalNorm(), 2);
    }
}
