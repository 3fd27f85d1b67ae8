namespace Glance.Tests.Harness.Api;

/// <summary>Where an import shall go; nothing set means the default store.</summary>
internal sealed class ImportTargets
{
    public string[]? Stores { get; init; }

    public bool AllStores { get; init; }

    public bool? AllMustSucceed { get; init; }

    public Dictionary<string, object> Fields
    {
        get
        {
            var fields = new Dictionary<string, object>();
            if (Stores is not null) fields["stores"] = Stores;
            if (AllStores) fields["all_stores"] = true;
            if (AllMustSucceed is { } must) fields["all_stores_must_succeed"] = must;
            return fields;
        }
    }
}
