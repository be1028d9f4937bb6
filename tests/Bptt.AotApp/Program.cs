// A program as a user of the library publishes it with Native AOT. It says what it compares, and ends with 1 where
// something differs: compiled ahead of time and trimmed, the library must compute what it computes elsewhere. An
// argument names the kernels that it should have.

using System.Text;
using Bptt.AotApp;

Console.OutputEncoding = Encoding.UTF8;
try
{
    KernelChecks.Run(args.FirstOrDefault());
    WalkChecks.Run();
    VerificationChecks.Run();
    ModelFileChecks.Run();
    TrainingChecks.Run();
}
catch (DifferenceException e)
{
    Console.Error.WriteLine($"error: {e.Message}");
    return 1;
}
return 0;
