using NUnit.Framework;

// A test waits for pods more than it works, so three sites are busy at once: that of most tests, and two of those that have their own.
[assembly: LevelOfParallelism(3)]
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
