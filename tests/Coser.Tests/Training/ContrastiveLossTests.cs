using Coser.Training.Clip;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

public sealed class ContrastiveLossTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Equal_captions_are_positives_and_equal_labels_on_request()
    {
        Tensor tokens = tensor(new long[] { 8, 1, 9, 8, 2, 9, 8, 1, 9 }).reshape(3, 3);
        Tensor labels = tensor(new long[] { 4, 4, -1 });
        Assert.Equal([true, false, true, false, true, false, true, false, true], Flat(tokens, null));
        Assert.Equal([true, true, true, true, true, false, true, false, true], Flat(tokens, labels));
        // Photos without a label do not match each other.
        Assert.Equal(
            [true, false, true, false, true, false, true, false, true],
            Flat(tokens, tensor(new long[] { -1, -1, -1 }))
        );
    }

    [Fact]
    public void The_loss_is_the_one_worked_out_by_hand()
    {
        // Unit vectors in the plane; scale 2; captions 0 and 1 are equal.
        double[] image = [0, 1, 2];
        double[] text = [0.2, 0.5, 2.5];
        bool[,] positive =
        {
            { true, true, false },
            { true, true, false },
            { false, false, true },
        };
        double loss = 0;
        for (int i = 0; i < 3; i++)
        {
            double rows = Enumerable.Range(0, 3).Sum(k => Math.Exp(2 * Math.Cos(image[i] - text[k])));
            double columns = Enumerable.Range(0, 3).Sum(k => Math.Exp(2 * Math.Cos(image[k] - text[i])));
            int count = Enumerable.Range(0, 3).Count(j => positive[i, j]);
            for (int j = 0; j < 3; j++)
            {
                if (!positive[i, j])
                    continue;
                loss -= (2 * Math.Cos(image[i] - text[j]) - Math.Log(rows)) / count / 3 / 2;
                loss -= (2 * Math.Cos(image[j] - text[i]) - Math.Log(columns)) / count / 3 / 2;
            }
        }
        Tensor tokens = tensor(new long[] { 1, 1, 2 }).reshape(3, 1);
        Tensor computed = ContrastiveLoss.Of(
            Circle(image),
            Circle(text),
            tensor((float)Math.Log(2)),
            ContrastiveLoss.Positives(tokens, labels: null)
        );
        Assert.Equal(loss, computed.item<float>(), 1e-5);
        // As if the captions differed, it is another.
        Tensor strict = ContrastiveLoss.Of(Circle(image), Circle(text), tensor((float)Math.Log(2)), eye(3).to(@bool));
        Assert.True(Math.Abs(strict.item<float>() - loss) > 0.01);
    }

    [Fact]
    public void The_scale_stops_at_a_hundred_and_learns_below()
    {
        Tensor Loss(Tensor logScale) =>
            ContrastiveLoss.Of(Circle([0, 1]), Circle([0.4, 0.5]), logScale, eye(2).to(@bool));
        Assert.Equal(Loss(tensor((float)Math.Log(100))).item<float>(), Loss(tensor(9f)).item<float>());
        Tensor free = tensor(1f, requires_grad: true);
        Loss(free).backward();
        Assert.NotEqual(0, free.grad!.item<float>());
        Tensor stuck = tensor(9f, requires_grad: true);
        Loss(stuck).backward();
        Assert.Equal(0, stuck.grad!.item<float>());
    }

    [Fact]
    public void Places_count_what_stands_before_the_best_true_match()
    {
        Tensor scores = tensor(new[] { 0.9f, 0.1f, 0.5f, 0.2f, 0.2f, 0.1f }).reshape(2, 3);
        Tensor positives = tensor(new[] { false, true, true, false, true, false }).reshape(2, 3);
        Tensor places = Retrieval.Places(scores, positives);
        Assert.Equal([1, 1], places.data<long>().ToArray()); // a tie is a miss
        Assert.Equal(0, Retrieval.Recall(places, 1));
        Assert.Equal(1, Retrieval.Recall(places, 2));
        Assert.Equal((0.1 + 0.5 + 0.2) / 3 - (0.9 + 0.2 + 0.1) / 3, Retrieval.Margin(scores, positives), 1e-6);
    }

    private static bool[] Flat(Tensor tokens, Tensor? labels) =>
        ContrastiveLoss.Positives(tokens, labels).contiguous().data<bool>().ToArray();

    // [N,2], of length 1.
    private static Tensor Circle(double[] angles) =>
        stack(
            [
                tensor(angles.Select(a => (float)Math.Cos(a)).ToArray()),
                tensor(angles.Select(a => (float)Math.Sin(a)).ToArray()),
            ],
            dim: 1
        );
}
