// Which kernel sets there are, in which order, and how one is named.

using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class KernelChoiceTests
{
    private static readonly string[] BestFirst = ["Vector512", "Vector256", "Vector128", "Vector128Unfused", "Plain"];

    [Fact]
    public void The_sets_come_best_first_and_the_plain_one_is_always_there()
    {
        string[] names = [.. KernelChoice.Supported.Select(set => set.Name)];
        names.Should().Equal(BestFirst.Where(names.Contains));
        names.Should().EndWith("Plain");
    }

    [Fact]
    public void A_processor_with_fused_multiply_add_has_the_sets_of_its_widths()
    {
        string[] names = [.. KernelChoice.Supported.Select(set => set.Name)];
        names.Contains("Vector512").Should().Be(Avx512F.IsSupported && Vector512.IsHardwareAccelerated);
        names.Contains("Vector256").Should().Be(Fma.IsSupported && Vector256.IsHardwareAccelerated);
        if (Fma.IsSupported)
        {
            names.Should().Contain("Vector128");
        }
    }

    /// <summary>What Native AOT compiles for by default.</summary>
    [Fact]
    public void A_processor_with_vectors_has_more_than_the_plain_kernels() =>
        KernelChoice.Supported.Any(set => set.Name == "Vector128Unfused").Should().Be(Vector128.IsHardwareAccelerated);

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void A_set_is_found_by_its_name_in_any_case_of_letters(string name)
    {
        KernelSet set = KernelChoice.Supported.Single(s => s.Name == name);
        KernelChoice.Named(name).Should().BeSameAs(set);
        KernelChoice.Named(name.ToUpperInvariant()).Should().BeSameAs(set);
        KernelChoice.Named(name.ToLowerInvariant()).Should().BeSameAs(set);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void The_best_set_is_taken_where_none_is_named(string? name) =>
        KernelChoice.Named(name).Should().BeSameAs(KernelChoice.Supported[0]);

    [Theory]
    [InlineData("Vector1024")]
    [InlineData(" Plain")]
    [InlineData(" ")]
    public void An_unknown_name_is_refused_with_the_names_that_can_be_given(string name)
    {
        string message = FluentActions.Invoking(() => KernelChoice.Named(name))
            .Should().Throw<InvalidOperationException>().Which.Message;

        message.Should().StartWith("BPTT_KERNELS").And.Contain($"'{name}'");
        foreach (KernelSet set in KernelChoice.Supported)
        {
            message.Should().Contain(set.Name);
        }
    }

    [Fact]
    public void The_default_is_what_the_environment_names() =>
        KernelChoice.Default.Should().BeSameAs(KernelChoice.Named(Environment.GetEnvironmentVariable("BPTT_KERNELS")));
}
