// Puts an ONNX graph together: nodes, constants, inputs and outputs of one kind of numbers. It knows no network.

using System.Buffers.Binary;
using System.Globalization;
using Bptt.Onnx.Schema;
using Google.Protobuf;

namespace Bptt.Onnx;

/// <summary>A graph in the making.</summary>
internal sealed class GraphBuilder(string name, Precision precision)
{
    /// <summary>The numbers of TensorProto.DataType.</summary>
    public const int Float = 1;

    /// <inheritdoc cref="Float"/>
    public const int Integer = 7;

    /// <inheritdoc cref="Float"/>
    public const int Double = 11;

    public GraphProto Graph { get; } = new() { Name = name };

    private int Kind => precision == Precision.Single ? Float : Double;

    /// <summary>Adds a node with one output.</summary>
    /// <returns>The name of the output.</returns>
    public string Node(string operation, string output, string[] inputs, params AttributeProto[] attributes)
    {
        Node(operation, [output], inputs, attributes);
        return output;
    }

    /// <summary>Adds a node.</summary>
    public void Node(string operation, string[] outputs, string[] inputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = operation, Name = $"{outputs[0]}_{operation}" };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        node.Attribute.AddRange(attributes);
        Graph.Node.Add(node);
    }

    /// <summary>Adds real numbers, the last index running fastest.</summary>
    /// <exception cref="ArgumentException">A number is beyond the range of float, which they are to be.</exception>
    public string Constant(string constant, double[] values, params int[] shape)
    {
        bool single = precision == Precision.Single;
        byte[] bytes = new byte[values.Length * (single ? 4 : 8)];
        for (int i = 0; i < values.Length; i++)
        {
            if (!single)
            {
                BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(8 * i), values[i]);
                continue;
            }
            float rounded = (float)values[i];
            if (float.IsInfinity(rounded))
            {
                throw new ArgumentException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Expected numbers in the range of float for single precision, got {values[i]:R} in {constant}."));
            }
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), rounded);
        }
        return Add(constant, Kind, bytes, shape);
    }

    /// <summary>Adds whole numbers, as shapes and axes are.</summary>
    public string Integers(string constant, params long[] values)
    {
        byte[] bytes = new byte[8 * values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8 * i), values[i]);
        }
        return Add(constant, Integer, bytes, [values.Length]);
    }

    /// <summary>A value with its shape: numbers, or names of sizes that are known only when the model runs.</summary>
    public ValueInfoProto Value(string value, string text, params object[] shape)
    {
        var sizes = new TensorShapeProto();
        foreach (object size in shape)
        {
            sizes.Dim.Add(size is int number
                ? new TensorShapeProto.Types.Dimension { DimValue = number }
                : new TensorShapeProto.Types.Dimension { DimParam = (string)size });
        }
        return new ValueInfoProto
        {
            Name = value,
            DocString = text,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = Kind, Shape = sizes } },
        };
    }

    public static AttributeProto Whole(string attribute, long value) =>
        new() { Name = attribute, I = value, Type = AttributeProto.Types.AttributeType.Int };

    public static AttributeProto Wholes(string attribute, params long[] values)
    {
        var made = new AttributeProto { Name = attribute, Type = AttributeProto.Types.AttributeType.Ints };
        made.Ints.AddRange(values);
        return made;
    }

    public static AttributeProto Numbers(string attribute, params float[] values)
    {
        var made = new AttributeProto { Name = attribute, Type = AttributeProto.Types.AttributeType.Floats };
        made.Floats.AddRange(values);
        return made;
    }

    public static AttributeProto Texts(string attribute, params string[] values)
    {
        var made = new AttributeProto { Name = attribute, Type = AttributeProto.Types.AttributeType.Strings };
        made.Strings.AddRange(values.Select(ByteString.CopyFromUtf8));
        return made;
    }

    public static AttributeProto Body(string attribute, GraphProto body) =>
        new() { Name = attribute, G = body, Type = AttributeProto.Types.AttributeType.Graph };

    private string Add(string constant, int kind, byte[] bytes, int[] shape)
    {
        var tensor = new TensorProto
        {
            Name = constant,
            DataType = kind,
            RawData = UnsafeByteOperations.UnsafeWrap(bytes),
        };
        tensor.Dims.AddRange(shape.Select(size => (long)size));
        Graph.Initializer.Add(tensor);
        return constant;
    }
}
