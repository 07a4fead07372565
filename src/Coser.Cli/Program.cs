using TorchSharp;

Coser.Engine.NativeEngine.EnsureLoaded();
using var x = torch.randn(2, 3);
Console.WriteLine(x.ToString(TensorStringStyle.Default) + Coser.Engine.NativeEngine.Folder);
