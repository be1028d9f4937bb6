// Random programs of calls of the public API: how inputs come in, how the pass is carried out, which losses and
// truncations, what is read in which order and through which member, with wrong calls and other passes between. Every
// number read is compared with scalar loops. The seed of a program that fails is printed; it is all that it needs.

using System.Globalization;
using Bptt.Tests.Reference;
using Xunit.Abstractions;

namespace Bptt.Tests;

public class ApiFuzzTests(ITestOutputHelper output)
{
    private const int LongCount = 100_000;

    [Fact]
    public void Two_hundred_random_programs_read_what_scalar_loops_compute() => Run(first: 0, count: 200);

    /// <summary>From the seed of the environment variable BPTT_FUZZ_SEED on, or a fixed one.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public void Many_random_programs_read_what_scalar_loops_compute() => Run(
        int.Parse(
            Environment.GetEnvironmentVariable("BPTT_FUZZ_SEED") ?? "1000000", CultureInfo.InvariantCulture),
        LongCount);

    private void Run(int first, int count)
    {
        var workspace = new Workspace();
        long numbers = 0;
        long refusals = 0;
        for (int seed = first; seed < first + count; seed++)
        {
            var program = new ApiProgram(seed, workspace);
            try
            {
                program.Run();
            }
            catch (Exception fault)
            {
                output.WriteLine($"{program}\n{fault.Message}");
                throw;
            }
            numbers += program.NumbersCompared;
            refusals += program.Refusals;
        }
        output.WriteLine(
            $"{count} programs from seed {first} on: {numbers} numbers compared, {refusals} calls refused");
        numbers.Should().BeGreaterThan(50L * count);
        refusals.Should().BeGreaterThan(count / 4);
    }
}
