using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Coser.Bench;
using Coser.Engine;

// In process: a generated project would not know where the engine is staged.
NativeEngine.EnsureLoaded();
if (args is ["full-size", .. var rest])
    return FullSize.Run(rest);
if (args is ["stage2", var trained, .. var more])
    return FullSizeTraining.Run(trained, more);
if (args is ["training", var recipes, .. var stage])
    return TrainingThroughput.Run(recipes, stage.FirstOrDefault());
if (args is ["serve", var server, .. var uploads])
    return await ServerLoad.RunAsync(new Uri(server), uploads is [var count] ? int.Parse(count) : 500);
if (args is ["precision", var model])
    return PrecisionDifference.Run(model);
if (args is ["convolutions"])
    return ConvolutionErrors.Run();
BenchmarkSwitcher
    .FromAssembly(typeof(Program).Assembly)
    .Run(
        args,
        DefaultConfig.Instance.AddJob(
            Job.ShortRun.WithToolchain(new InProcessNoEmitToolchain(TimeSpan.FromHours(1), logOutput: true))
                .WithInvocationCount(1)
                .WithUnrollFactor(1)
        )
    );
return 0;
