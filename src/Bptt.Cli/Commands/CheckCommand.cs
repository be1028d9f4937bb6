// `bptt check`: checks the gradients of a model on given data in four independent ways.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Verification;

namespace Bptt.Cli.Commands;

internal static class CheckCommand
{
    private const string Details = """
    The model is a random one, with an orthogonal W_hh of spectral radius 0.9, or one that `bptt fit` wrote. The data
    are the training part.

      gradient check  every gradient against differences of the loss
      certificate     identities that hold for gradients and for hardly anything else
      adjoint test    the backward pass against the derivative forward in time
      Taylor test     the loss less its linear part falls with the square of the step

    Examples:
      bptt check --sample sunspots
      bptt check data.csv --inputs a,b --outputs y --hidden 16
      bptt check --sample hair-dryer --model bptt-out/model.json

    Exit code 0 where all of them pass, 1 where one does not. In a model that was trained until no gradient is left,
    there is nothing to check, which is no pass.
    """;

    public static Command Create(Terminal terminal)
    {
        var subject = new SubjectOptions();
        var command = new DetailedCommand(
            "check",
            "Check the gradients of back-propagation through time in four independent ways.",
            Details);
        subject.AddTo(command);
        command.SetAction(parsed => Run(terminal, subject.Read(parsed, terminal)));
        return command;
    }

    private static int Run(Terminal terminal, Subject subject)
    {
        terminal.Output.WriteLine($"{subject}");
        ForwardPass forward = subject.Run();
        Objective objective = subject.Objective;
        var backward = BackwardThroughTime.Run(forward, objective);
        if (!double.IsFinite(backward.Loss) || !backward.Gradients.IsFinite)
        {
            string where = forward.FirstNonFiniteStep is int step ? $", first at step {step} of the forward pass" : "";
            throw new DataFaultException($"There is nothing to check: the loss or its gradient is not finite{where}.");
        }

        var check = GradientCheck.Run(forward, objective);
        CheckText.Table(check).WriteTo(terminal);
        var certificate = GradientCertificate.Run(backward);
        var adjoint = AdjointTest.Run(backward);
        var taylor = TaylorTest.Run(forward, objective);
        return Conclude(
            terminal,
            ("gradient check", CheckText.Summary(check), check.Verdict),
            ("certificate", $"{certificate}", certificate.Verdict),
            ("adjoint test", $"{adjoint}", adjoint.Verdict),
            ("Taylor test", $"{taylor}", taylor.Verdict));
    }

    /// <summary>Prints what every check says; returns the exit code, <see cref="ExitCode.Done"/> where all
    /// passed.</summary>
    internal static int Conclude(Terminal terminal, params (string Name, string Text, Verdict Verdict)[] checks)
    {
        foreach ((string name, string text, _) in checks)
        {
            terminal.Output.WriteLine($"{name}: {text}");
        }
        return checks.All(c => c.Verdict == Verdict.Passed) ? ExitCode.Done : ExitCode.DataFault;
    }
}
