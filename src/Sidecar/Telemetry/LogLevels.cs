namespace Sidecar.Telemetry;

/// <summary>How much one category logs.</summary>
/// <param name="Configured">Without a change; null when nothing is configured for this very category.</param>
/// <param name="RevertsAt">When the configured level is back; null when the change stays.</param>
internal sealed record CategoryLevel(
    string Category, LogLevel Level, LogLevel? Configured, bool Changed, DateTimeOffset? RevertsAt);

/// <summary>
/// Levels that were changed while the daemon runs: the last source of its configuration, so that they win, and whose
/// change the loggers hear of. In memory only: a start begins with what is configured.
/// </summary>
internal sealed class LogLevels : ConfigurationProvider, IConfigurationSource, IDisposable
{
    /// <summary>The category of all that no other one names.</summary>
    public const string Everything = "Default";

    /// <summary>Where .NET looks for levels.</summary>
    public const string Section = "Logging:LogLevel";

    /// <summary>
    /// Levels where nothing is configured: the web server tells what concerns its programmers, and gRPC tells every refusal
    /// that is logged with its method already.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, LogLevel> BuiltIn =
        new SortedDictionary<string, LogLevel>(StringComparer.OrdinalIgnoreCase)
        {
            [Everything] = LogLevel.Information, ["Grpc"] = LogLevel.Warning, ["Microsoft"] = LogLevel.Warning,
            ["Yarp"] = LogLevel.Error, // a line of our own tells of each request that fails, without its target
        };

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Change> _changes = new(StringComparer.OrdinalIgnoreCase);

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    /// <summary>Changes a category's level.</summary>
    /// <param name="revertAfter">After this time the configured level is back. Null: it stays.</param>
    public void Set(string category, LogLevel level, TimeSpan? revertAfter, TimeProvider clock)
    {
        lock (_lock)
        {
            Forget(category);
            var change = new Change(level, clock.GetUtcNow() + revertAfter);
            _changes[category] = change;
            if (revertAfter is { } time)
            {
                change.Timer = clock.CreateTimer(_ => Expire(category, change), null, time, Timeout.InfiniteTimeSpan);
            }
        }

        Publish();
    }

    /// <summary>Back to the configured level.</summary>
    public void Reset(string category)
    {
        lock (_lock) Forget(category);
        Publish();
    }

    /// <summary>What holds now, by category.</summary>
    /// <param name="configuration">The whole one, of which this is the last source.</param>
    public IReadOnlyList<CategoryLevel> Look(IConfigurationRoot configuration)
    {
        lock (_lock)
        {
            return
            [
                .. configuration.GetSection(Section).GetChildren().Select(child => child.Key)
                    .Concat(BuiltIn.Keys).Concat(_changes.Keys)
                    .Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase)
                    .Select(category => Look(category, configuration)),
            ];
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var change in _changes.Values) change.Timer?.Dispose();
        }
    }

    private CategoryLevel Look(string category, IConfigurationRoot configuration)
    {
        var configured = Configured(category, configuration);
        return _changes.TryGetValue(category, out var change)
            ? new CategoryLevel(category, change.Level, configured, true, change.RevertsAt)
            : new CategoryLevel(category, configured ?? LogLevel.Information, configured, false, null);
    }

    private LogLevel? Configured(string category, IConfigurationRoot configuration)
    {
        foreach (var provider in configuration.Providers.Reverse())
        {
            if (!ReferenceEquals(provider, this) && provider.TryGet($"{Section}:{category}", out var text)
                && Enum.TryParse<LogLevel>(text, ignoreCase: true, out var level))
            {
                return level;
            }
        }

        return BuiltIn.TryGetValue(category, out var own) ? own : null;
    }

    private void Expire(string category, Change change)
    {
        lock (_lock)
        {
            // A newer change of the category stays.
            if (!_changes.TryGetValue(category, out var current) || !ReferenceEquals(current, change)) return;
            Forget(category);
        }

        Publish();
    }

    private void Forget(string category)
    {
        if (_changes.Remove(category, out var change)) change.Timer?.Dispose();
    }

    // Outside the lock that readers of the levels take: whoever hears of the change reads the configuration.
    private void Publish()
    {
        lock (_lock)
        {
            Data = _changes.ToDictionary(
                change => $"{Section}:{change.Key}", change => (string?)change.Value.Level.ToString(),
                StringComparer.OrdinalIgnoreCase);
        }

        OnReload();
    }

    private sealed class Change(LogLevel level, DateTimeOffset? revertsAt)
    {
        public LogLevel Level => level;

        public DateTimeOffset? RevertsAt => revertsAt;

        public ITimer? Timer { get; set; }
    }
}
