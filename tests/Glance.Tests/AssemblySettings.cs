using NUnit.Framework;

// One set of pods for all tests, and some of them kill a part of it.
[assembly: NonParallelizable]
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
