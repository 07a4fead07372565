using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>Collects the first rows of a validation's sample grid; a grid needs pictures of one size.</summary>
public sealed class ValidationGrid(int rows)
{
    private readonly List<IReadOnlyList<Tensor>> _rows = [];

    /// <summary>Adds a row while there is room and its size is that of the first.</summary>
    /// <param name="pictures">Each [1,3,H,W], float32, [0,1]; kept in the outer dispose scope.</param>
    public void Add(params IReadOnlyList<Tensor> pictures)
    {
        bool fits = _rows.Count == 0 || _rows[0][^1].shape.SequenceEqual(pictures[^1].shape.Skip(1));
        if (_rows.Count < rows && fits)
            _rows.Add([.. pictures.Select(p => p.squeeze(0).MoveToOuterDisposeScope())]);
    }

    /// <summary>The grid [3,H,W], detached from the scope; null without a row.</summary>
    public Tensor? Join() => _rows.Count == 0 ? null : SampleGrid.Join(_rows).DetachFromDisposeScope();
}
