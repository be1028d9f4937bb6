// Diagnostics: gradient flow, spectrum, shares of the lags, the origin of what is not finite, the graph.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Bits;

internal static class InsightCases
{
    public static IEnumerable<BitCase> All() =>
        [.. Passes(), .. GradientsAlone(), .. Spectra(), .. SpecialSpectra(), .. Graphs()];

    private static List<BitCase> Passes()
    {
        var cases = new List<BitCase>();
        foreach ((string shape, double growth) in new[]
        {
            ("6:40:1:2:1", 0.9), ("7:1..64:9:3:5", 0.97), ("33:200:2:5:3", 1.0), ("9:1..300:5:3:2", 0.5),
            ("8:900:1:2:2", 3.0),
        })
        {
            var problem = new BitProblem(shape, seed: 700, growth);
            foreach (BitWay way in new[]
            {
                BitWay.Automatic, BitWay.SmallSequential.Within(problem, 1.5), BitWay.SmallTimeParallel(4),
            })
            {
                cases.AddRange(BitCase.OnThreads($"flow/{problem.Name}", way, (hash, options) =>
                    Flow(hash, Backward(problem, options), problem.Lengths.Count)));
                if (growth <= 1.0) // no share of what is not finite
                {
                    cases.AddRange(BitCase.OnThreads($"lags/{problem.Name}", way, (hash, options) =>
                        Lags(hash, Backward(problem, options))));
                }
            }
        }
        return cases;
    }

    /// <summary>Without inputs the states are zero, whatever the gradients do.</summary>
    private static List<BitCase> GradientsAlone()
    {
        var cases = new List<BitCase>();
        foreach (double growth in new[] { 0.2, 30.0 })
        {
            var problem = new BitProblem("5:400:1:1:2", seed: 705, growth);
            foreach (BitWay way in new[] { BitWay.Automatic, BitWay.SmallTimeParallel(4) })
            {
                cases.AddRange(BitCase.OnThreads($"flow.gradients/{problem.Name}", way, (hash, options) =>
                {
                    var forward = ForwardPass.Run(problem.Model, Matrix<double>.Build.Dense(1, 400), null, options);
                    Flow(hash, BackwardThroughTime.Run(forward, problem.OutputGradients), sequences: 1);
                }));
            }
        }
        return cases;
    }

    private static BackwardThroughTime Backward(BitProblem problem, ExecutionOptions options) =>
        BackwardThroughTime.Run(
            problem.Forward(options), Objective.SquaredError(problem.Targets), problem.FinalStateGradients);

    private static void Flow(BitHash hash, BackwardThroughTime backward, int sequences)
    {
        var flow = GradientFlow.Of(backward);
        hash.Add(flow.Factor);
        hash.Add(flow.LastLag);
        hash.Add(flow.LastStepFlow);
        hash.Add(flow.MeanFlow);
        hash.Add(flow.MeasuredGrowth);
        hash.Add(flow.PredictedGrowth);
        hash.Add(flow.PredictedEnvelope);
        hash.Add(flow.GrowthFromLag);
        hash.Add(flow.Verdict.ToString());
        hash.Add(flow.LagWhereFlowFallsTo(0.01));
        for (int b = 0; b < sequences; b++)
        {
            hash.Add(flow.HiddenStateNorms(b));
            hash.Add(flow.HiddenStateGradientNorms(b));
            hash.Add(flow.OutputGradientNorms(b));
            hash.Add(flow.WhhShares(b));
        }
        if (flow.FirstNonFinite is NonFiniteOrigin origin)
        {
            hash.Add(origin.Quantity);
            hash.Add(origin.Sequence);
            hash.Add(origin.Step);
            hash.Add(origin.Row);
            hash.Add(origin.Column);
        }
    }

    private static void Lags(BitHash hash, BackwardThroughTime backward)
    {
        var lags = LagDecomposition.Of(backward, 12);
        hash.Add(lags.LagCount);
        hash.Add(lags.IsComplete);
        hash.Add(lags.ContributionNorms);
        hash.Add(lags.ContributionShares);
        hash.Add(lags.TruncationCosines);
        hash.Add(lags.TruncationErrors);
        hash.Add(lags.SmallestWindow());
        for (int lag = 0; lag < lags.LagCount; lag++)
        {
            hash.Add(lags.Contribution(lag));
        }
    }

    private static IEnumerable<BitCase> Spectra()
    {
        foreach ((string shape, double growth) in new[] { ("1:1", 0.9), ("6:1", 0.5), ("16:1", 1.2), ("40:1", 1.0) })
        {
            var problem = new BitProblem(shape, seed: 710, growth);
            yield return new BitCase($"spectrum/{problem.Name}", hash => Add(hash, Spectrum.Of(problem.Model)));
        }
    }

    /// <summary>Matrices with too few eigenvectors, or with powers that grow before they fade.</summary>
    private static IEnumerable<BitCase> SpecialSpectra()
    {
        foreach ((string name, double diagonal, double beside) in new[]
        {
            ("jordan", 1.0, 1.0), ("transient", 0.5, 8.0), ("nilpotent", 0.0, 1.0), ("zero", 0.0, 0.0),
            ("growing", 3.0, 0.1),
        })
        {
            var problem = new BitProblem("6:1", seed: 720);
            yield return new BitCase($"spectrum/{name}/{problem.Name}", hash =>
            {
                var whh = Matrix<double>.Build.Dense(6, 6, (i, j) => i == j ? diagonal : j == i + 1 ? beside : 0.0);
                Add(hash, Spectrum.Of(new LinearRnn(problem.Model.Whx, whh, problem.Model.Wqh)));
            });
        }
    }

    private static void Add(BitHash hash, Spectrum spectrum)
    {
        foreach (SpectralMode mode in spectrum.Modes)
        {
            hash.Add(mode.Eigenvalue.Real);
            hash.Add(mode.Eigenvalue.Imaginary);
            hash.Add(mode.Magnitude);
            hash.Add(mode.HalfLife);
            hash.Add(mode.DoublingTime);
            hash.Add(mode.Period);
        }
        hash.Add(spectrum.EigenvectorCondition);
        hash.Add(spectrum.GradientOverflowLag);
        hash.Add(spectrum.GradientVanishLag);
        hash.Add(spectrum.StateOverflowStep);
        hash.Add(spectrum.StateVanishStep);
        hash.Add(spectrum.Norm);
        hash.Add(spectrum.SpectralRadius);
        hash.Add(spectrum.TransientGrowth);
        hash.Add(spectrum.TransientPeakLag);
        hash.Add(spectrum.IsTransientGrowthCertain);
        hash.Add(spectrum.PowerNorm(17));
    }

    private static IEnumerable<BitCase> Graphs()
    {
        foreach (Truncation? truncation in new[] { null, Truncation.Windows(2) })
        {
            string name = truncation is null ? "whole" : truncation.Kind.ToString();
            yield return new BitCase($"graph/{name}", hash =>
            {
                var graph = ComputationGraph.Unroll(3, new ComputationGraphOptions
                {
                    ShowGradients = true,
                    ShowStored = true,
                    Truncation = truncation,
                });
                hash.Add(graph.ToDot());
                hash.Add(graph.ToMermaid());
                hash.Add(graph.ToSvg());
            });
        }
    }
}
