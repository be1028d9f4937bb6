// Random passes and losses whose gradients are right but hard to check: near a fit, at odd scales, losses that cancel.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

/// <summary>A forward pass and an objective from a seed.</summary>
internal sealed class RightGradient
{
    private static readonly double[] Scales = [1.0, 1.0, 1.0, 1e-8, 1e-4, 1e4, 1e8, 1e-162];

    private RightGradient(string name, ForwardPass forward, Objective objective)
    {
        Name = name;
        Forward = forward;
        Objective = objective;
    }

    /// <summary>For the messages of tests.</summary>
    public string Name { get; }

    public ForwardPass Forward { get; }

    public Objective Objective { get; }

    /// <summary>One of each seed.</summary>
    public static RightGradient Random(int seed)
    {
        var random = new Random(seed);
        var examples = new Examples(seed);
        (int d, int h, int q) = (random.Next(1, 4), random.Next(1, 7), random.Next(1, 4));
        int length = random.Next(1, 31);
        double radius = 0.3 + (0.8 * random.NextDouble());
        double scale = Scales[random.Next(Scales.Length)];
        double residual = Math.Pow(10.0, -random.Next(0, 13));
        bool isFar = random.Next(6) == 0;

        var forward = ForwardPass.Run(
            examples.Model(d, h, q, radius),
            scale * examples.Matrix(d, length),
            random.Next(2) == 0 ? scale * examples.Vector(h) : null,
            new ExecutionOptions { MaxDegreeOfParallelism = 1 });
        Matrix<double> noise = examples.Matrix(q, length);
        Matrix<double> targets = isFar
            ? noise
            : forward.Outputs() + (residual * Math.Max(scale, forward.Outputs().InfinityNorm()) * noise);
        int kind = random.Next(OwnLoss.All.Count + 4);
        Objective objective = kind switch
        {
            0 => Objective.SquaredError(targets),
            1 => Objective.Huber(targets, 1.0),
            2 => Objective.Huber(targets, residual),
            3 => Objective.CrossEntropy([.. Enumerable.Range(0, length).Select(_ => random.Next(q))]),
            _ => OwnLoss.All[kind - 4](targets),
        };
        string where = isFar ? "targets near 1" : $"residuals {residual:G1}";
        return new($"seed {seed}: {objective}, inputs of {scale:G1}, {where}, d = {d}, h = {h}, q = {q}, T = {length}",
            forward, objective);
    }
}
