// Where trainings start from: random models, identification from data, state-space models, and the prior of impulse
// responses.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Bits;

internal static class StartCases
{
    private static readonly int[] Sizes = [1, 3, 5, 9];

    public static IEnumerable<BitCase> All() =>
        [.. Models(), .. Identifications(), .. StateSpaces(), .. Embeddings(), .. Priors()];

    private static IEnumerable<BitCase> Models()
    {
        foreach ((int d, int h, int q) in new[] { (1, 1, 1), (3, 8, 2), (5, 33, 7) })
        {
            string name = $"d{d}.h{h}.q{q}/seed600";
            yield return new BitCase(
                $"initializer/orthogonal/{name}", hash => hash.Add(Initializer.Orthogonal(d, h, q, 600, 0.95)));
            yield return new BitCase(
                $"initializer/gaussian/{name}", hash => hash.Add(Initializer.Gaussian(d, h, q, 600, 0.9)));
            yield return new BitCase(
                $"initializer/identity/{name}", hash => hash.Add(Initializer.ScaledIdentity(d, h, q, 600, 0.5)));
            double[] periods = [.. Enumerable.Range(0, h / 2).Select(i => 2.5 + i)];
            yield return new BitCase(
                $"initializer/oscillators/{name}",
                hash => hash.Add(Initializer.Oscillators(d, h, q, 600, 0.9, periods)));
        }
    }

    private static IEnumerable<BitCase> Identifications()
    {
        foreach ((string shape, double growth) in new[]
        {
            ("3:120:1:1:1", 0.8), ("4:40..90:3:2:2", 0.8), ("5:60:1:1:1", 1.1), ("3:9:1:1:1", 0.8),
        })
        {
            foreach (bool estimates in new[] { false, true })
            {
                var problem = new BitProblem(shape, seed: 610, growth);
                yield return new BitCase($"subspace/{problem.Name}/{(estimates ? "Estimated" : "Zero")}", hash =>
                {
                    var found = SubspaceIdentification.Estimate(
                        problem.Inputs, Noisy(problem), new()
                        {
                            MaxOrder = 6,
                            EstimateInitialStates = estimates,
                        });
                    hash.Add(found.SingularValues);
                    hash.Add(found.SuggestedOrder);
                    foreach (int size in Sizes)
                    {
                        (LinearRnn model, Matrix<double> states) = found.Start(size);
                        hash.Add(model);
                        hash.Add(states);
                        Add(hash, found.ToStateSpace(size));
                    }
                });
            }
        }
    }

    private static IEnumerable<BitCase> StateSpaces()
    {
        foreach (string shape in new[] { "1:20:1:1:1", "4:50:1:2:3", "9:50:1:1:2" })
        {
            var problem = new BitProblem(shape, seed: 620, growth: 0.7);
            yield return new BitCase($"statespace/{problem.Name}", hash =>
            {
                var system = StateSpace.Of(problem.Model, problem.InitialStates.Column(0));
                Add(hash, system);
                Add(hash, system.Balance());
                hash.Add(system.HankelSingularValues);
                hash.Add(system.ControllabilityGramian);
                hash.Add(system.ObservabilityGramian);
                hash.Add(system.SteadyStateGain);
                hash.Add(system.SpectralRadius);
                Add(hash, system.Reduce((system.Order + 1) / 2));
                hash.Add(system.Simulate(problem.Inputs.Sequence(0)));
                foreach (Matrix<double> response in system.ImpulseResponse(20).Concat(system.StepResponse(20)))
                {
                    hash.Add(response);
                }
                foreach (SpectralMode pole in system.Poles)
                {
                    hash.Add(pole.Eigenvalue.Real);
                    hash.Add(pole.Eigenvalue.Imaginary);
                }
                (LinearRnn model, Vector<double> state) = system.ToLinearRnn();
                hash.Add(model);
                hash.Add(state);
            });
        }
    }

    /// <summary>Systems whose outputs see the inputs at once, in their own way, as networks.</summary>
    private static IEnumerable<BitCase> Embeddings()
    {
        foreach (string shape in new[] { "4:50:1:2:1", "4:50:1:2:3", "2:50:1:1:6" })
        {
            foreach (bool given in new[] { false, true })
            {
                var problem = new BitProblem(shape, seed: 625, growth: 0.7);
                yield return new BitCase($"embedding/{problem.Name}/{(given ? "given" : "zero")}", hash =>
                {
                    LinearRnn model = problem.Model;
                    Matrix<double> through = problem.Targets.Sequence(0).SubMatrix(
                        0, model.OutputSize, 0, model.InputSize);
                    Vector<double>? initial = given ? problem.InitialStates.Column(0) : null;
                    var system = new StateSpace(model.Whh, model.Whx, model.Wqh, through, initial);
                    (LinearRnn network, Vector<double> start) = system.ToLinearRnn();
                    hash.Add(network);
                    hash.Add(start);
                    hash.Add(system.Simulate(problem.Inputs.Sequence(0)));
                });
            }
        }
    }

    private static List<BitCase> Priors()
    {
        var cases = new List<BitCase>();
        foreach (string shape in new[] { "3:60:1:1:1", "3:20..45:3:2:2" })
        {
            foreach (bool weighted in new[] { false, true })
            {
                var problem = new BitProblem(shape, seed: 630, growth: 0.8);
                string name = $"prior/{problem.Name}/{(weighted ? "weights" : "plain")}";
                cases.AddRange(BitCase.OnThreads(name, BitWay.SmallSequential.Options, (hash, options) =>
                {
                    double[][]? weights = weighted ? problem.StepWeights : null;
                    SequenceBatch targets = Noisy(problem);
                    var prior = ImpulseResponsePrior.Estimate(problem.Inputs, targets, weights);
                    hash.Add(prior.Decay);
                    hash.Add(prior.Scale);
                    hash.Add(prior.LagCount);
                    (SequenceBatch inputs, Objective objective) = prior.Extend(problem.Inputs, targets, weights);
                    var backward = BackwardThroughTime.Run(
                        ForwardPass.Run(problem.Model, inputs, null, options), objective);
                    hash.Add(backward.Loss);
                    hash.Add(backward.Gradients);
                }));
            }
        }
        return cases;
    }

    private static void Add(BitHash hash, StateSpace system)
    {
        hash.Add(system.A);
        hash.Add(system.B);
        hash.Add(system.C);
        hash.Add(system.D);
        hash.Add(system.InitialState);
    }

    /// <summary>What the problem's own model puts out, with some noise.</summary>
    private static SequenceBatch Noisy(BitProblem problem)
    {
        ForwardPass forward = problem.Forward(ExecutionOptions.Default);
        SequenceBatch noise = problem.Targets;
        return SequenceBatch.Pack(
            [.. Enumerable.Range(0, noise.Count).Select(b => forward.Outputs(b) + 0.05 * noise.Sequence(b))]);
    }
}
