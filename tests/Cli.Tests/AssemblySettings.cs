using NUnit.Framework;

[assembly: Parallelizable(ParallelScope.All)]
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
// Each test runs a daemon and programs of its own; more at once only wait for each other.
[assembly: LevelOfParallelism(2)]
