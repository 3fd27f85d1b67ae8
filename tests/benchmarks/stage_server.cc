// The plainest C++ gRPC server of the Stage and ReadImage calls: writes each chunk to a file as it arrives, and with "fsync"
// syncs it at the end. The peer that the daemon is measured against. Usage: stage_server ADDRESS DIRECTORY [fsync]
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "glance/sidecar/v1/staging.grpc.pb.h"

namespace v1 = glance::sidecar::v1;

class Server final : public v1::Staging::Service {
 public:
  Server(std::string directory, bool sync) : directory_(std::move(directory)), sync_(sync) {}

  grpc::Status Stage(grpc::ServerContext*, grpc::ServerReader<v1::StageRequest>* reader,
                     v1::StagedImage* image) override {
    v1::StageRequest request;
    int file = -1;
    while (reader->Read(&request)) {
      if (request.has_header()) file = ::open(Path(request.header().image_id()).c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0660);
      if (request.has_chunk() && !WriteAll(file, request.chunk().data())) return {grpc::DATA_LOSS, "write"};
    }
    if (sync_ && ::fsync(file) != 0) return {grpc::DATA_LOSS, "fsync"};
    ::close(file);
    image->set_size(request.finish().total_size());
    return grpc::Status::OK;
  }

  grpc::Status ReadImage(grpc::ServerContext*, const v1::ReadImageRequest* request,
                         grpc::ServerWriter<v1::ReadImageResponse>* writer) override {
    const int file = ::open(Path(request->image_id()).c_str(), O_RDONLY);
    if (file < 0) return {grpc::NOT_FOUND, "open"};
    v1::ReadImageResponse response;
    std::string* data = response.mutable_data();
    for (long offset = 0;; offset += data->size()) {
      data->resize(1 << 20);
      const ssize_t read = ::read(file, data->data(), data->size());
      if (read <= 0) break;
      data->resize(read);
      response.set_offset(offset);
      if (!writer->Write(response)) break;
    }
    ::close(file);
    return grpc::Status::OK;
  }

  grpc::Status DeleteImage(grpc::ServerContext*, const v1::DeleteImageRequest* request,
                           v1::DeleteImageResponse*) override {
    ::unlink(Path(request->image_id()).c_str());
    return grpc::Status::OK;
  }

  grpc::Status GetCapacity(grpc::ServerContext*, const v1::GetCapacityRequest*, v1::Capacity*) override {
    return grpc::Status::OK;
  }

 private:
  std::string Path(const std::string& id) const { return directory_ + "/" + id; }

  static bool WriteAll(int file, const std::string& data) {
    for (size_t at = 0; at < data.size();) {
      const ssize_t written = ::write(file, data.data() + at, data.size() - at);
      if (written < 0) return false;
      at += written;
    }
    return true;
  }

  const std::string directory_;
  const bool sync_;
};

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Server service(argv[2], argc > 3 && std::strcmp(argv[3], "fsync") == 0);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  builder.BuildAndStart()->Wait();
}
