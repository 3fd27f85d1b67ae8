using System.Text.Json.Serialization;
using Sidecar.Staging.Core;
using Sidecar.Stores.Core;

namespace Sidecar.Stores.Journal;

/// <summary>
/// What is known on disk of one write: enough to find again what the store has, and to remove a part of it that nobody asks for
/// any more. No secret: how an rbd store is reached holds none, as the keyring is what is mounted; an s3 store is reached with keys, so
/// whoever asks has to bring them again. The property names are on disk: rename none.
/// </summary>
/// <param name="Kind">Of the store, see <see cref="StoreTarget.Kind"/>.</param>
/// <param name="Target">Where a store of the kind rbd is; of each kind there is one such property.</param>
/// <param name="Mark">What tells an image that was written from this source from all others, see <see cref="StoreSource.Mark"/>.</param>
/// <param name="Size">Bytes of the source.</param>
/// <param name="Image">Set when it was written.</param>
internal sealed record StoreRecord(
    Guid SourceId,
    string Store,
    ImageId ImageId,
    string Kind,
    RbdTarget? Target,
    string Mark,
    long Size,
    StoreState State,
    DateTimeOffset ChangedAt,
    StoredImage? Image = null)
{
    public static StoreRecord Of(StoreRequest request, StoreSource source, StoreState state, DateTimeOffset changedAt) => new(
        request.SourceId, request.Store, source.ImageId, request.Target.Kind, request.Target as RbdTarget, source.Mark, source.Size,
        state, changedAt);

    [JsonIgnore]
    public StoreKey Key => new(SourceId, Store);

    /// <summary>Where the store is, when that can be on disk: null when it takes a secret to reach it.</summary>
    [JsonIgnore]
    public StoreTarget? Place => Target;

    /// <summary>What is wrong with it; null when it makes sense.</summary>
    public string? Flaw(string name)
    {
        if (name != StoreJournal.NameOf(Key)) return $"it is of {StoreJournal.NameOf(Key)}";
        if (!Enum.IsDefined(State)) return $"its state is {(int)State}";
        if (State != StoreState.Writing && Image is null) return "it was written as nothing";
        if (Mark.Length == 0) return "it has no mark";
        if (FlawOfTarget() is { } wrong) return wrong;
        if (Image is { } image && (image.Digests.Values.Contains(null) || image.Facts.Values.Contains(null)))
        {
            return "it holds a value that is null";
        }

        return Size < 0 ? $"its size is {Size}" : null;
    }

    private string? FlawOfTarget()
    {
        try
        {
            Place?.Check();
            return Kind == RbdTarget.Scheme && Target is null ? "it does not say where its store is" : null;
        }
        catch (StoreException none)
        {
            return none.Message;
        }
    }
}

[JsonSourceGenerationOptions(
    UseStringEnumConverter = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(ImageIdConverter)])]
[JsonSerializable(typeof(StoreRecord))]
internal sealed partial class StoreRecordJson : JsonSerializerContext;
