using OnnxEff.Tests.GraphPasses.Spelling.Mutations;

namespace OnnxEff.Tests.GraphPasses.Spelling;

/// <summary>All mutations.</summary>
public static class MutationList
{
    /// <summary>The mutations.</summary>
    public static IReadOnlyList<Mutation> All { get; } =
    [
        new InsertIdentity(), new InsertDropout(), new SwapOperands(), new RepeatNode(), new WrapInIf(), new ReorderAndRename(),
        new ConstantAsNode(), new ConstantFromShapes(), new ConstantOfEqual(), new ConstantReshaped(), new ConstantTransposed(), new ConstantCast(),
        new ConstantFromArithmetic(), new ConstantInParts(),
        new CastToSameType(), new CastThereAndBack(), new SoftmaxInWiderType(), new CastPastMove(),
        new ViewAsReshape(), new ReshapeAsView(), new ReshapeToOtherTarget(), new ReshapeTwice(), new UnsqueezeAndSqueeze(), new ViewPastElementwise(),
        new TransposeTowardsInputs(), new TransposeTowardsOutputs(), new TransposeTwice(), new TransposesMerged(), new TransposeThereAndBack(),
        new TransposeAsReshape(), new ProductOfTransposed(),
        new QuotientAsProduct(), new DifferenceAsSum(), new NegationSpelled(), new PowerAsProduct(), new RootAsPower(), new ReciprocalSpelled(),
        new QuotientAsReciprocal(), new MeanAsSum(), new FactorInTwo(), new Regrouped(),
        new FactorPastProduct(), new FactorPastMove(), new FactorPastRotation(),
        new WhereInverted(), new ComparisonSpelled(), new LogicByDeMorgan(), new MaskSelectedOrAdded(), new MaskLowest(), new MaskByProduct(),
        new SoftmaxGuarded(), new SoftmaxSpelled(),
        new SplitAsSlices(), new SliceSpelled(), new SliceAsSplit(), new IndexAsSlice(), new ConcatInSteps(),
        new RepetitionSpelled(), new RepetitionPastTranspose(), new RotationOfHalves(),
        new ProductAsGemm(), new ProductAsEinsum(), new HeadsByEinsum(),
        new SigmoidSpelled(), new SwishAsQuotient(), new GeluSpelled(), new ReluSpelled(), new ClipSpelled(),
    ];
}
