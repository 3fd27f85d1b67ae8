// The interop cases with gRPC for C++; prints a line of JSON for each.
//
// Usage: interop TARGET TRACEPARENT [AUTHORITIES CERTIFICATE KEY SERVER_NAME]. With the latter it is a peer.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <openssl/sha.h>

// Here rather than by themselves: gRPC's headers take longer to read than all the rest.
#include "glance/sidecar/v1/staging.grpc.pb.cc"
#include "health/v1/health.grpc.pb.cc"
#include "grpc/reflection/v1/reflection.grpc.pb.cc"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.cc"

namespace api = glance::sidecar::v1;
namespace published = grpc::health::v1;

using api::Staging;
using grpc::Channel;
using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;
using published::Health;
using published::HealthCheckRequest;
using published::HealthCheckResponse;

namespace {

// No call takes this long; without it a hang would have no name.
constexpr auto kPatience = std::chrono::seconds(20);

std::string target, traceparent;
std::vector<std::string> tls;
std::string content;
std::shared_ptr<Channel> channel;
std::unique_ptr<Staging::Stub> staging;
std::unique_ptr<Health::Stub> health;

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::shared_ptr<Channel> Open(const std::string& authority = "") {
  grpc::ChannelArguments arguments;
  if (!authority.empty()) arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, authority);
  if (tls.empty()) return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  arguments.SetSslTargetNameOverride(tls[3]);
  return grpc::CreateCustomChannel(
      target, grpc::SslCredentials({Read(tls[0]), Read(tls[2]), Read(tls[1])}), arguments);
}

struct Call : ClientContext {
  Call() { set_deadline(std::chrono::system_clock::now() + kPatience); }
};

void Expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

std::string Text(const Status& status) {
  return "status " + std::to_string(status.error_code()) + ": " + status.error_message();
}

void Ok(const Status& status) { Expect(status.ok(), Text(status)); }

// Asserts how a call failed: its status, and the reason in the ErrorInfo that the trailers carry.
void Refused(StatusCode code, const std::string& reason, const Status& status) {
  Expect(status.error_code() == code, Text(status));
  Expect(status.error_details().find(reason) != std::string::npos, "no " + reason + " in the details");
}

std::string NewId() {
  static int count = 0;
  std::ostringstream id;
  id << "00000000-0000-4000-8000-" << std::hex << (0x100000000000 + ++count);
  return id.str();
}

std::string Sha256(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  for (unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// A Stage call that a case drives; a write says whether the call still takes any.
class Upload {
 public:
  explicit Upload(const std::string& image, uint64_t resume = 0, grpc_compression_algorithm packing = GRPC_COMPRESS_NONE) {
    call_.set_compression_algorithm(packing);
    writer_ = staging->Stage(&call_, &answer_);
    api::StageRequest request;
    request.mutable_header()->set_image_id(image);
    if (resume > 0) request.mutable_header()->set_resume_offset(resume);
    writer_->Write(request);
  }

  bool Chunk(uint64_t offset, const std::string& data) {
    api::StageRequest request;
    request.mutable_chunk()->set_offset(offset);
    request.mutable_chunk()->set_data(data);
    return writer_->Write(request);
  }

  void Content(size_t start, size_t end, size_t chunk = 65536) {
    for (size_t at = start; at < end; at += chunk) Chunk(at, content.substr(at, std::min(chunk, end - at)));
  }

  void Finish() {
    api::StageRequest request;
    request.mutable_finish()->set_total_size(content.size());
    (*request.mutable_finish()->mutable_expected_digests())["sha256"] = Sha256(content);
    writer_->Write(request);
    writer_->WritesDone();
    Ok(End());
    Expect(answer_.size() == content.size(), "size " + std::to_string(answer_.size()));
  }

  void Cancel() { call_.TryCancel(); }

  Status End() { return writer_->Finish(); }

 private:
  Call call_;
  api::StagedImage answer_;
  std::unique_ptr<grpc::ClientWriter<api::StageRequest>> writer_;
};

std::string Stage(size_t chunk = 65536) {
  const std::string image = NewId();
  Upload upload(image);
  upload.Content(0, content.size(), chunk);
  upload.Finish();
  return image;
}

// Asks for the upload until it is as wanted.
void Until(const std::string& image, const std::function<bool(const api::Upload&)>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < give_up) {
    Call call;
    api::GetUploadRequest request;
    request.set_image_id(image);
    api::Upload known;
    const Status status = staging->GetUpload(&call, request, &known);
    if (status.ok() && condition(known)) return;
    if (!status.ok()) Refused(StatusCode::NOT_FOUND, "UPLOAD_NOT_FOUND", status);
  }
  throw std::runtime_error("it did not come about in time");
}

Status GetImage(ClientContext* call, const std::string& id, const std::string& hint = "") {
  api::GetImageRequest request;
  request.set_image_id(id);
  request.set_owner_hint(hint);
  api::StagedImage image;
  return staging->GetImage(call, request, &image);
}

Status GetCapacity(Staging::Stub* stub) {
  Call call;
  api::Capacity capacity;
  const Status status = stub->GetCapacity(&call, {}, &capacity);
  Expect(!status.ok() || (capacity.accepts_uploads() && capacity.total_bytes() > 0), "the capacity");
  return status;
}

void Unary() {
  Ok(GetCapacity(staging.get()));
  Call call;
  Refused(StatusCode::NOT_FOUND, "IMAGE_NOT_FOUND", GetImage(&call, NewId()));
}

void ClientStreaming() {
  for (size_t chunk : {size_t{10'000}, size_t{65536}, size_t{1} << 20, size_t{3} << 20}) Stage(chunk);
}

void EarlyRefusal() {
  Upload upload(NewId());
  upload.Content(0, 1 << 20);
  const std::string misplaced = content.substr(0, 1 << 20);
  for (int sent = 0; sent < 64 && upload.Chunk(1, misplaced);) ++sent;
  Refused(StatusCode::OUT_OF_RANGE, "OFFSET_MISMATCH", upload.End());
}

void ServerStreaming() {
  const std::string image = Stage();
  Call reading;
  api::ReadImageRequest request;
  request.set_image_id(image);
  const auto parts = staging->ReadImage(&reading, request);
  std::string read;
  for (api::ReadImageResponse part; parts->Read(&part);) read += part.data();
  Ok(parts->Finish());
  Expect(read == content, "the content");

  Call listing;
  const auto images = staging->ListImages(&listing, {});
  bool listed = false;
  for (api::StagedImage one; images->Read(&one);) listed |= one.image_id() == image;
  Ok(images->Finish());
  Expect(listed, "the image is not listed");
}

// Watches the health until the call ends; answers with how it did.
Status Watch(ClientContext* call) {
  const auto watch = health->Watch(call, {});
  HealthCheckResponse answer;
  Expect(watch->Read(&answer) && answer.status() == HealthCheckResponse::SERVING, "the first answer");
  Expect(!watch->Read(&answer), "another answer");
  return watch->Finish();
}

void Deadline() {
  ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
  Refused(StatusCode::DEADLINE_EXCEEDED, "", Watch(&call));
}

void DeadlineAtServer() {
  ClientContext call;  // the client itself knows of none
  call.AddMetadata("grpc-timeout", "200m");
  Refused(StatusCode::DEADLINE_EXCEEDED, "", Watch(&call));
}

void Cancellation() {
  const std::string image = NewId();
  const uint64_t half = content.size() / 2;
  Upload cut(image);
  cut.Content(0, half);
  Until(image, [half](const api::Upload& known) { return known.received_offset() == half; });
  cut.Cancel();
  Refused(StatusCode::CANCELLED, "", cut.End());
  Until(image, [](const api::Upload& known) { return known.state() == api::Upload::SUSPENDED; });
  Upload rest(image, half);
  rest.Content(half, content.size());
  rest.Finish();
}

void Compression() {
  const std::string image = NewId();
  Upload upload(image, 0, GRPC_COMPRESS_GZIP);
  upload.Content(0, content.size());
  upload.Finish();
  Call call;
  call.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  Ok(GetImage(&call, image, std::string(1000, ' ')));
}

void Metadata() {
  Call call;
  call.AddMetadata("traceparent", traceparent);
  call.AddMetadata("x-request-id", "interop");
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  call.AddMetadata("x-some-bin", bytes);
  Refused(StatusCode::INVALID_ARGUMENT, "INVALID_IMAGE_ID", GetImage(&call, "nonsense"));
  Expect(call.GetServerTrailingMetadata().count("grpc-status-details-bin") == 1, "no details in the trailers");
}

void HealthCheckAndWatch() {
  HealthCheckRequest request;
  HealthCheckResponse answer;
  for (const char* service : {"", "liveness", "glance.sidecar.v1.Staging"}) {
    Call call;
    request.set_service(service);
    Ok(health->Check(&call, request, &answer));
    Expect(answer.status() == HealthCheckResponse::SERVING, service);
  }
  request.set_service("nobody");
  Call call;
  Refused(StatusCode::NOT_FOUND, "", health->Check(&call, request, &answer));
  Call watching;
  const auto watch = health->Watch(&watching, request);
  Expect(watch->Read(&answer) && answer.status() == HealthCheckResponse::SERVICE_UNKNOWN, "the watch");
  watching.TryCancel();
  Refused(StatusCode::CANCELLED, "", watch->Finish());
}

void HealthList() {
  Call call;
  grpc::CompletionQueue queue;
  const grpc::Slice empty;
  auto asked = grpc::GenericStub(channel).PrepareUnaryCall(
      &call, "/grpc.health.v1.Health/List", grpc::ByteBuffer(&empty, 1), &queue);
  asked->StartCall();
  grpc::ByteBuffer answer;
  Status status;
  asked->Finish(&answer, &status, nullptr);
  void* tag;
  bool taken;
  queue.Next(&tag, &taken);
  Refused(StatusCode::UNIMPLEMENTED, "", status);
}

template <typename Service, typename Request, typename Response>
void Reflect() {
  const auto stub = Service::NewStub(channel);
  Call call;
  const auto stream = stub->ServerReflectionInfo(&call);
  Request request;
  Response answer;
  request.set_list_services("");
  stream->Write(request);
  if (!tls.empty()) {
    Expect(!stream->Read(&answer), "reflection over the peer listener");
    Refused(StatusCode::UNIMPLEMENTED, "", stream->Finish());
    return;
  }
  Expect(stream->Read(&answer), "no services");
  const auto& services = answer.list_services_response().service();
  Expect(std::any_of(services.begin(), services.end(), [](const auto& one) { return one.name() == "glance.sidecar.v1.Staging"; }),
         "the service is not listed");
  request.set_file_containing_symbol("glance.sidecar.v1.Staging");
  stream->Write(request);
  stream->WritesDone();
  Expect(stream->Read(&answer), "no file");
  const auto& files = answer.file_descriptor_response().file_descriptor_proto();
  Expect(std::any_of(files.begin(), files.end(), [](const std::string& file) {
    return file.find("glance/sidecar/v1/staging.proto") != std::string::npos;
  }), "the file is not there");
  Ok(stream->Finish());
}

void ReflectionV1() {
  namespace v1 = grpc::reflection::v1;
  Reflect<v1::ServerReflection, v1::ServerReflectionRequest, v1::ServerReflectionResponse>();
}

void ReflectionV1Alpha() {
  namespace alpha = grpc::reflection::v1alpha;
  Reflect<alpha::ServerReflection, alpha::ServerReflectionRequest, alpha::ServerReflectionResponse>();
}

void Reserve() {
  Call call;
  api::ReserveRequest request;
  request.set_image_id(NewId());
  request.set_bytes(4096);
  const auto held = staging->Reserve(&call, request);
  api::Reservation reservation;
  const bool granted = held->Read(&reservation);
  if (!tls.empty()) {
    Refused(StatusCode::PERMISSION_DENIED, "NOT_FOR_PEERS", held->Finish());
    return;
  }
  Expect(granted && reservation.remaining_bytes() == 4096, "the reservation");
  call.TryCancel();
  Refused(StatusCode::CANCELLED, "", held->Finish());
}

void Authority() {
  for (const char* name : {"localhost", "run%2Fsidecar.sock", "/run/sidecar.sock"}) {
    const auto stub = Staging::NewStub(Open(name));
    Ok(GetCapacity(stub.get()));
  }
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (char character : text) {
    if (character == '"' || character == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(character) < ' ' ? ' ' : character;
  }
  return quoted + '"';
}

void Run(const std::string& name, const std::function<void()>& body) {
  std::string failure;
  try {
    body();
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  }
  std::cout << "{\"case\": " << Quoted(name) << ", \"ok\": " << (failure.empty() ? "true" : "false")
            << ", \"detail\": " << Quoted(failure) << "}" << std::endl;
}

}  // namespace

int main(int count, char** arguments) {
  target = arguments[1];
  traceparent = arguments[2];
  tls.assign(arguments + 3, arguments + count);
  for (int line = 0; line < 100'000; ++line) {
    char text[40];
    content.append(text, std::snprintf(text, sizeof text, "%08x glance staging sidecar\n", line));
  }
  channel = Open();
  staging = Staging::NewStub(channel);
  health = Health::NewStub(channel);
  const std::pair<const char*, std::function<void()>> cases[] = {
      {"unary", Unary}, {"client_streaming", ClientStreaming}, {"early_refusal", EarlyRefusal},
      {"server_streaming", ServerStreaming}, {"deadline", Deadline}, {"deadline_at_server", DeadlineAtServer},
      {"cancellation", Cancellation}, {"compression", Compression}, {"metadata", Metadata},
      {"health_check_and_watch", HealthCheckAndWatch}, {"health_list", HealthList}, {"reflection_v1", ReflectionV1},
      {"reflection_v1alpha", ReflectionV1Alpha}, {"reserve", Reserve}};
  for (const auto& [name, body] : cases) Run(name, body);
  if (tls.empty()) Run("authority", Authority);
}
