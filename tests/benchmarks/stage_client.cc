// Stages SIZE bytes through one Stage call, as a foreign C++ client would, or reads them back through one ReadImage call. Prints
// the seconds from the first message to the last answer. Usage: stage_client TARGET SIZE_MIB CHUNK_KIB [UPLOADS [stage | read]]
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "glance/sidecar/v1/staging.grpc.pb.h"

namespace v1 = glance::sidecar::v1;

static std::string ImageId(int n) {
  char id[37];
  std::snprintf(id, sizeof id, "%08x-0000-4000-8000-%012x", static_cast<unsigned>(getpid()), n);
  return id;
}

static bool Stage(v1::Staging::Stub& stub, int n, long bytes, const std::string& block) {
  grpc::ClientContext context;
  v1::StagedImage image;
  auto writer = stub.Stage(&context, &image);
  v1::StageRequest request;
  request.mutable_header()->set_image_id(ImageId(n));
  request.mutable_header()->set_declared_size(bytes);
  writer->Write(request);
  request.mutable_chunk()->set_data(block);
  for (long sent = 0; sent < bytes; sent += block.size()) {
    if (!writer->Write(request)) break;
  }
  request.mutable_finish()->set_total_size(bytes);
  writer->Write(request);
  writer->WritesDone();
  auto status = writer->Finish();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.error_message().c_str());
  return status.ok();
}

static bool Read(v1::Staging::Stub& stub, int n, long bytes) {
  grpc::ClientContext context;
  v1::ReadImageRequest request;
  request.set_image_id(ImageId(n));
  auto reader = stub.ReadImage(&context, request);
  v1::ReadImageResponse response;
  long received = 0;
  while (reader->Read(&response)) received += response.data().size();
  return reader->Finish().ok() && received == bytes;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const bool read = argc > 5 && std::strcmp(argv[5], "read") == 0;
  const long bytes = std::atol(argv[2]) << 20;
  const std::string block(std::atol(argv[3]) << 10, 'x');
  const int uploads = argc > 4 ? std::atoi(argv[4]) : 1;
  auto stub = v1::Staging::NewStub(grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));
  v1::Capacity capacity;
  grpc::ClientContext context;
  stub->GetCapacity(&context, {}, &capacity);  // connects, so that the clock below measures uploads only

  if (read) {
    for (int n = 0; n < uploads; n++) {
      if (!Stage(*stub, n, bytes, block)) return 1;
    }
  }

  std::vector<std::thread> threads;
  std::vector<char> ok(uploads);
  const auto start = std::chrono::steady_clock::now();
  for (int n = 0; n < uploads; n++) {
    threads.emplace_back([&, n] { ok[n] = read ? Read(*stub, n, bytes) : Stage(*stub, n, bytes, block); });
  }
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  for (char one : ok) {
    if (!one) return 1;
  }
  for (int n = 0; n < uploads; n++) {
    grpc::ClientContext deleting;
    v1::DeleteImageRequest request;
    v1::DeleteImageResponse response;
    request.set_image_id(ImageId(n));
    stub->DeleteImage(&deleting, request, &response);
  }
  std::printf("%.6f\n", seconds.count());
}
