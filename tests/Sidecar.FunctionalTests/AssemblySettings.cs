using NUnit.Framework;

[assembly: Parallelizable(ParallelScope.All)]
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
// Each test runs a daemon of its own, and waits for it more than it works; one of three is busy with Ceph for long.
[assembly: LevelOfParallelism(3)]
