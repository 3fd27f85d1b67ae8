using System.Text.Json;

namespace Testing;

/// <summary>A bucket, seen and changed by a client that is not ours: Python's boto3.</summary>
/// <param name="accessKey">Null: that of the gateway's user, and its secret.</param>
internal sealed class S3Judge(Uri url, string bucket, string? accessKey = null, string? secretKey = null)
{
    private const string Script = """
        import json, sys
        import boto3
        from botocore.config import Config
        url, access, secret, bucket, step, key, path = sys.argv[1:]
        client = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id=access, aws_secret_access_key=secret, region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}))
        if step == "make":
            client.create_bucket(Bucket=bucket)
        elif step == "get":
            client.download_file(bucket, key, path)
        elif step == "put":
            client.upload_file(path, bucket, key)
        elif step == "begin":
            upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
            client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
        elif step == "forbid":
            statement = {"Effect": "Deny", "Principal": "*", "Action": key, "Resource": "arn:aws:s3:::" + bucket}
            client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        elif step == "permit":
            client.delete_bucket_policy(Bucket=bucket)
        elif step == "head":
            head = client.head_object(Bucket=bucket, Key=key)
            print(json.dumps({"etag": head["ETag"], "modified": str(head["LastModified"]), "metadata": head["Metadata"]}))
        elif step == "buckets":
            print(json.dumps([each["Name"] for each in client.list_buckets()["Buckets"]]))
        else:
            objects = client.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
            uploads = [] if step == "objects" else client.list_multipart_uploads(Bucket=bucket, Prefix=key).get("Uploads", [])
            print(json.dumps([each["Key"] for each in objects] + ["upload of " + each["Key"] for each in uploads]))
        """;

    public string Bucket => bucket;

    public Task MakeAsync() => RunAsync("make");

    /// <summary>Objects of these names, and uploads that are not at their end, as "upload of" their names.</summary>
    public async Task<string[]> ListAsync(string prefix) => JsonSerializer.Deserialize<string[]>(await RunAsync("list", prefix))!;

    /// <summary>The former alone.</summary>
    public async Task<string[]> ObjectsAsync(string prefix) => JsonSerializer.Deserialize<string[]>(await RunAsync("objects", prefix))!;

    public async Task<string[]> BucketsAsync() => JsonSerializer.Deserialize<string[]>(await RunAsync("buckets"))!;

    /// <summary>What changes when an object is written once more, and its metadata.</summary>
    public Task<string> VersionAsync(string key) => RunAsync("head", key);

    /// <summary>Begins a multipart upload and sends a part of it.</summary>
    public Task BeginAsync(string key) => RunAsync("begin", key);

    /// <summary>Lets nobody do this to the bucket, as <c>s3:ListBucketMultipartUploads</c>, until it is permitted again.</summary>
    public Task ForbidAsync(string action) => RunAsync("forbid", action);

    public Task PermitAsync() => RunAsync("permit");

    public async Task<byte[]> GetAsync(string key)
    {
        var path = Path.GetTempFileName();
        try
        {
            await RunAsync("get", key, path);
            return await File.ReadAllBytesAsync(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public async Task PutAsync(string key, byte[] content)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, content);
            await RunAsync("put", key, path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private Task<string> RunAsync(string step, string key = "", string path = "") => CephProgram.RunAsync(
        "/usr/bin/python3", "-W", "ignore", "-c", Script, url.ToString(), accessKey ?? CephGateway.AccessKey, secretKey ?? CephGateway.SecretKey, bucket, step, key,
        path);
}
