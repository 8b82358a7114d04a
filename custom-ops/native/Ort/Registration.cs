using System.Runtime.InteropServices;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>Turns operator declarations into one domain of ONNX Runtime.</summary>
static unsafe class Registration
{
    /// <summary>What each operator runs on the CPU; a new operator is one line.</summary>
    public static readonly (OperatorSchema Schema, NodeKernelFactory Create, ShapeInference? Infer)[] Kernels =
    [
        (BlockMaskedAttention.Schema, AttentionNode.Create, AttentionNode.InferShapes),
        (BlockMaskPlan.Schema, PlanNode.Create, null),
        (VptqMatMul.Schema, VptqMatMulNode.Create, ProductShapes.Infer),
        (VqMatMul.Schema, VqMatMulNode.Create, ProductShapes.Infer),
        (AffineMatMul.Schema, AffineMatMulNode.Create, ProductShapes.Infer),
        (AffineGather.Schema, AffineGatherNode.Create, AffineGatherNode.InferShapes),
        (SwiGlu.Schema, SwiGluNode.Create, SwiGluNode.InferShapes),
    ];

    static readonly Dictionary<nint, nint> Domains = [];

    /// <summary>Adds the domain to session options. All operators are in one object: ONNX Runtime refuses a second one.</summary>
    public static nint Register(OrtApi api, void* options)
    {
        lock (Domains)
        {
            if (!Domains.TryGetValue((nint)api.Table, out nint domain)) Domains[(nint)api.Table] = domain = CreateDomain(api);
            return api.AddCustomOpDomain(options, (void*)domain);
        }
    }

    static nint CreateDomain(OrtApi api)
    {
        Leaf.Offer();
        void* domain;
        fixed (byte* name = OrtApi.Utf8(OnnxEffOperators.Domain)) api.Check(api.CreateCustomOpDomain(name, &domain));
        for (int kernel = 0; kernel < Kernels.Length; kernel++)
            foreach (ElementType[] assignment in Kernels[kernel].Schema.TypeAssignments())
                api.Check(api.CustomOpDomainAdd(domain, CreateOp(api, kernel, assignment)));
        return (nint)domain;
    }

    static OrtCustomOp* CreateOp(OrtApi api, int kernel, ElementType[] assignment)
    {
        OperatorSchema schema = Kernels[kernel].Schema;
        ParameterSchema[] parameters = [.. schema.Inputs, .. schema.Outputs];
        var op = (OrtCustomOp*)NativeMemory.AllocZeroed((nuint)sizeof(OrtCustomOp));
        OrtCustomOp.Connect(op);
        op->Api = api.Table;
        op->SizesOf = api.SizesOf;
        op->Kernel = kernel;
        op->Since = schema.Since;
        op->Name = (byte*)Marshal.StringToCoTaskMemUTF8(schema.Name);
        (op->InputCount, op->OutputCount) = (schema.Inputs.Length, schema.Outputs.Length);
        op->Types = Numbers(parameters, p => (int)schema.KindOf(p, assignment));
        op->Optional = Numbers(parameters, p => p.Optional ? 1 : 0);
        return op;
    }

    static int* Numbers(ParameterSchema[] parameters, Func<ParameterSchema, int> number)
    {
        var numbers = (int*)NativeMemory.Alloc((nuint)parameters.Length, sizeof(int));
        for (int i = 0; i < parameters.Length; i++) numbers[i] = number(parameters[i]);
        return numbers;
    }
}
