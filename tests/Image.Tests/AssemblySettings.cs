using NUnit.Framework;

[assembly: NonParallelizable] // one store, and start-up times are measured
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
