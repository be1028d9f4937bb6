// The numbers of the checks: certificate, adjoint test, Taylor test, gradient check, closed form.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Bits;

internal static class VerificationCases
{
    private static readonly (string Name, Truncation? Truncation)[] Truncations =
    [
        ("full", null),
        ("lags5", Truncation.Lags(5)),
        ("windows7", Truncation.Windows(7)),
    ];

    public static IEnumerable<BitCase> All()
    {
        var cases = new List<BitCase>();
        foreach (string kind in new[] { "squared", "huber", "entropy", "own" })
        {
            foreach ((string cut, Truncation? truncation) in Truncations)
            {
                var problem = new BitProblem("4:1..25:4:2:3", seed: 800, growth: 0.9);
                foreach (BitWay way in new[]
                {
                    BitWay.SmallTimeParallel(2), BitWay.SmallSequential.Within(problem, 1.5),
                })
                {
                    cases.AddRange(BitCase.OnThreads($"check/{kind}/{cut}/{problem.Name}", way, (hash, options) =>
                    {
                        BackwardOptions told = problem.FinalStateGradients with { Truncation = truncation };
                        Add(hash, problem.Forward(options), ObjectiveCases.Of(kind, problem), told);
                    }));
                }
            }
        }
        cases.AddRange(Certificates());
        cases.AddRange(GivenGradients());
        cases.AddRange(ClosedForms());
        return cases;
    }

    private static GradientCheckOptions Sample(BackwardOptions told) => new()
    {
        Backward = told,
        MaxEntriesPerParameter = 12,
        DirectionCount = 2,
    };

    private static void Add(BitHash hash, ForwardPass forward, Objective objective, BackwardOptions told)
    {
        var backward = BackwardThroughTime.Run(forward, objective, told);
        Add(hash, GradientCertificate.Run(backward));
        if (told.Truncation is null)
        {
            Add(hash, AdjointTest.Run(backward));
            Add(hash, TaylorTest.Run(forward, objective, told));
        }
        Add(hash, GradientCheck.Run(forward, objective, Sample(told)));
    }

    /// <summary>The checks of gradients that come from elsewhere: here the library's own, somewhat too large.</summary>
    private static List<BitCase> GivenGradients()
    {
        var cases = new List<BitCase>();
        var problem = new BitProblem("4:1..25:4:2:3", seed: 830, growth: 0.9);
        foreach (BitWay way in new[] { BitWay.SmallTimeParallel(2), BitWay.SmallSequential.Within(problem, 1.5) })
        {
            cases.AddRange(BitCase.OnThreads($"given/{problem.Name}", way, (hash, options) =>
            {
                ForwardPass forward = problem.Forward(options);
                var objective = Objective.Huber(problem.Targets);
                BackwardOptions told = problem.FinalStateGradients;
                var backward = BackwardThroughTime.Run(forward, objective, told);
                Gradients gradients = backward.Gradients.Multiply(1.0 + 1e-7);
                var outputGradients = SequenceBatch.Pack(
                    [.. Enumerable.Range(0, forward.SequenceCount).Select(backward.OutputGradients)]);
                Matrix<double> states = backward.InitialStateGradients;
                SequenceBatch inputs = backward.InputGradientBatch();
                Add(hash, GradientCertificate.Run(forward, outputGradients, gradients, states, told));
                Add(hash, AdjointTest.Run(
                    forward, outputGradients, gradients, states, inputs, told.FinalStateGradients));
                Add(hash, TaylorTest.Run(forward, objective, gradients, told));
                Add(hash, GradientCheck.Run(forward, objective, gradients, states, inputs, Sample(told)));
            }));
        }
        return cases;
    }

    private static void Add(BitHash hash, AdjointTest test)
    {
        foreach (AdjointPair pair in test.Pairs)
        {
            hash.Add(pair.Forward);
            hash.Add(pair.Backward);
            hash.Add(pair.Verdict.ToString());
        }
    }

    private static void Add(BitHash hash, TaylorTest test)
    {
        hash.Add(test.Rate);
        hash.Add(test.Verdict.ToString());
        foreach (TaylorRemainder remainder in test.Remainders)
        {
            hash.Add(remainder.StepSize);
            hash.Add(remainder.Remainder);
        }
    }

    private static void Add(BitHash hash, GradientCheck report)
    {
        foreach (ParameterCheck parameter in report.Parameters)
        {
            hash.Add(parameter.Parameter);
            hash.Add(parameter.RelativeError);
            hash.Add(parameter.RelativeUncertainty);
            hash.Add(parameter.Verdict.ToString());
            foreach (CheckedEntry entry in parameter.WorstEntries)
            {
                hash.Add(entry.Row);
                hash.Add(entry.Column);
                hash.Add(entry.Sequence);
                hash.Add(entry.Step);
                hash.Add(entry.Analytic);
                hash.Add(entry.Numeric);
                hash.Add(entry.Uncertainty);
            }
        }
        foreach (DirectionCheck direction in report.Directions)
        {
            hash.Add(direction.Analytic);
            hash.Add(direction.Numeric);
            hash.Add(direction.Uncertainty);
        }
    }

    private static List<BitCase> Certificates()
    {
        var cases = new List<BitCase>();
        foreach ((string shape, Truncation? truncation) in new[]
        {
            ("33:200:2:5:3", null), ("16:1..255:40:5:2", Truncation.Windows(16)), ("8:1000:1:8:8", Truncation.Lags(20)),
            ("65:300:1:3:4", Truncation.Randomized(9, seed: 2)), ("96:300:1:1:1", null),
        })
        {
            var problem = new BitProblem(shape, seed: 810);
            foreach (BitWay way in new[] { BitWay.Automatic, BitWay.SmallSequential.Within(problem, 2.0) })
            {
                cases.AddRange(BitCase.OnThreads($"certificate/{problem.Name}", way, (hash, options) =>
                {
                    ForwardPass forward = problem.Forward(options);
                    BackwardOptions told = problem.FinalStateGradients with { Truncation = truncation };
                    var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(problem.Targets), told);
                    Add(hash, GradientCertificate.Run(backward));
                    Add(hash, GradientCertificate.Run(backward, backward.Gradients.Multiply(3.0), 3.0));
                    Add(hash, GradientCertificate.Run(backward, backward.Gradients.Multiply(1.001)));
                }));
            }
        }
        return cases;
    }

    private static void Add(BitHash hash, GradientCertificate certificate)
    {
        hash.Add(certificate.EulerResidual);
        hash.Add(certificate.GaugeResidual);
        hash.Add(certificate.ExpectedRounding);
        hash.Add(certificate.Verdict.ToString());
    }

    private static List<BitCase> ClosedForms()
    {
        var problem = new BitProblem("5:1..12:4:2:3", seed: 820);
        BitWay way = BitWay.SmallSequential;
        return [.. BitCase.OnThreads($"closedform/{problem.Name}", way, (hash, options) =>
        {
            var backward = BackwardThroughTime.Run(
                problem.Forward(options), Objective.Huber(problem.Targets), problem.FinalStateGradients);
            hash.Add(ClosedForm.Gradients(backward));
            hash.Add(ClosedForm.HiddenStateGradients(backward, 2));
            Matrix<double> jacobian = ClosedForm.StateJacobian(problem.Model, 7);
            hash.Add(jacobian);
        })];
    }
}
