// The kernels in single precision, every set of the machine at odd sizes: against sums in double, with guards around
// what they may write.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class SingleKernelTests
{
    private const float Guard = 12345.0f;

    private static readonly int[] Sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 24, 25, 31, 33, 47, 49, 97];

    private readonly Random _random = new(2024);

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Products_are_those_of_sums_in_double(string name)
    {
        KernelSet<float> set = KernelChoice.InSingle(KernelChoice.Named(name));
        set.Name.Should().Be(name);
        foreach (int rows in Sizes)
        {
            foreach (int columns in new[] { 1, 2, 3, 4, 5, 8, 9, 17 })
            {
                foreach (int depth in new[] { 1, 6, 33 })
                {
                    AssertProducts(set, rows, columns, depth);
                }
            }
        }
        AssertProducts(set, 50, 9, 300);
        AssertProducts(set, 17, 3, 1100); // deeper than a block of the depth
        AssertProducts(set, 600, 300, 7); // several blocks of rows and of columns, copied
        AssertProducts(set, 130, 70, 260);
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Steps_advance_and_set_tiny_entries_to_zero(string name)
    {
        KernelSet<float> set = KernelChoice.InSingle(KernelChoice.Named(name));
        foreach (int h in Sizes)
        {
            foreach (int count in new[] { 1, 2, 5 })
            {
                float[] a = Numbers(h * h, 1.0f / h);
                float[] states = Numbers(h * count * 4, 1.0f);
                states.AsSpan(2 * h * count, h).Fill(1e-33f); // stays tiny where A is zero
                a.AsSpan(0, h).Clear();
                double[] expected = Array.ConvertAll(states, x => (double)x);
                for (int step = 1; step < 4; step++)
                {
                    for (int c = 0; c < count; c++)
                    {
                        for (int i = 0; i < h; i++)
                        {
                            for (int j = 0; j < h; j++)
                            {
                                expected[(step * count + c) * h + i] +=
                                    (double)a[j * h + i] * expected[((step - 1) * count + c) * h + j];
                            }
                        }
                    }
                }
                PackedFor uses = PackedFor.Columns | PackedFor.OneColumn;
                PackedMatrix<float> packed = set.Pack(
                    new MatrixView<float>(a, h, h, h), uses, new float[set.PackedLength(h, h, uses)]);
                set.Advance(packed, states, new StepRun(0, count, 1, count, 3));
                for (int i = 0; i < states.Length; i++)
                {
                    ((double)states[i]).Should()
                        .BeApproximately(expected[i], 2e-5, $"{name}, h = {h}, {count} columns");
                    Math.Abs(states[i]).Should().Match(x => x == 0.0f || x >= 1e-30f);
                }
            }
        }
    }

    private void AssertProducts(KernelSet<float> set, int rows, int columns, int depth)
    {
        foreach ((bool leftIsTransposed, bool rightIsTransposed) in
            new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            float[] a = Numbers(rows * depth, 1.0f);
            float[] b = Numbers(depth * columns, 1.0f);
            float[] d = Numbers(rows * columns, 1.0f);
            MatrixView<float> left = leftIsTransposed
                ? new MatrixView<float>(a, depth, rows, depth).T
                : new MatrixView<float>(a, rows, depth, rows);
            MatrixView<float> right = rightIsTransposed
                ? new MatrixView<float>(b, columns, depth, columns).T
                : new MatrixView<float>(b, depth, columns, depth);
            PackedMatrix<float> packed = set.Pack(
                left, PackedFor.Columns, new float[set.PackedLength(rows, depth, PackedFor.Columns)]);

            var plain = new Guarded(rows, columns);
            set.Multiply(left, right, plain.Matrix);
            Check(plain, 0.0f);
            var fromPacked = new Guarded(rows, columns);
            set.Multiply(packed, right, fromPacked.Matrix);
            Check(fromPacked, 0.0f);
            var added = new Guarded(rows, columns);
            Copy(d, added.Matrix);
            set.MultiplyAdd(left, right, added.Matrix);
            Check(added, 1.0f);
            var stepped = new Guarded(rows, columns);
            set.Step(packed, right, new MatrixView<float>(d, rows, columns, rows), stepped.Matrix);
            Check(stepped, 1.0f);

            void Check(Guarded actual, float addend)
            {
                for (int j = 0; j < columns; j++)
                {
                    for (int i = 0; i < rows; i++)
                    {
                        double sum = addend * d[j * rows + i];
                        for (int p = 0; p < depth; p++)
                        {
                            double x = leftIsTransposed ? a[i * depth + p] : a[p * rows + i];
                            double y = rightIsTransposed ? b[p * columns + j] : b[j * depth + p];
                            sum += x * y;
                        }
                        if (Math.Abs(actual.Matrix.Column(j)[i] - sum) > 1e-6 * (1 + depth))
                        {
                            Assert.Fail(
                                $"{set.Name}, {rows}×{depth}×{columns}, entry ({i}, {j}): "
                                + $"expected {sum}, got {actual.Matrix.Column(j)[i]}");
                        }
                    }
                }
                actual.AssertGuards();
            }
        }
    }

    private static void Copy(float[] from, MatrixSpan<float> to)
    {
        for (int j = 0; j < to.Columns; j++)
        {
            from.AsSpan(j * to.Rows, to.Rows).CopyTo(to.Column(j));
        }
    }

    private float[] Numbers(int count, float scale)
    {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++)
        {
            numbers[i] = scale * (2.0f * _random.NextSingle() - 1.0f);
        }
        return numbers;
    }

    /// <summary>A matrix with guards above, below and between its columns.</summary>
    private sealed class Guarded
    {
        private readonly float[] _entries;
        private readonly int _rows;
        private readonly int _columns;

        public Guarded(int rows, int columns)
        {
            _rows = rows;
            _columns = columns;
            _entries = new float[(rows + 2) * columns + 2];
            Array.Fill(_entries, Guard);
        }

        public MatrixSpan<float> Matrix => new(_entries.AsSpan(1), _rows, _columns, _rows + 2);

        public void AssertGuards()
        {
            for (int i = 0; i < _entries.Length; i++)
            {
                int row = (i - 1) % (_rows + 2);
                bool isInside = i > 0 && row < _rows && i - 1 < (_rows + 2) * _columns;
                if (!isInside && _entries[i] != Guard)
                {
                    Assert.Fail($"{_rows}×{_columns}: a guard was written at {i}.");
                }
            }
        }
    }
}
