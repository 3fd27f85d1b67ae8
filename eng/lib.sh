# Helpers of the scripts in this directory; to be sourced by bash with set -euo pipefail.

repo_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Numbered headings: step "text".
step_number=0
step() {
  step_number=$((step_number + 1))
  printf '\n== %d. %s\n' "$step_number" "$*"
}

have_commands() {
  local command
  for command in "$@"; do command -v "$command" >/dev/null || return 1; done
}

# Runs a command as root.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Of each run, the first installation has apt's lists brought up to date.
apt_is_up_to_date=false

apt_install() {
  have_commands apt-get || die "cannot install $*: this is no Debian; install them and try again"
  "$apt_is_up_to_date" || as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
  apt_is_up_to_date=true
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# Installs what is missing: need_commands command=package ...
need_commands() {
  local pair packages=()
  for pair in "$@"; do have_commands "${pair%%=*}" || packages+=("${pair#*=}"); done
  [ "${#packages[@]}" -eq 0 ] && return
  say "Installing ${packages[*]}"
  apt_install "${packages[@]}"
  for pair in "$@"; do have_commands "${pair%%=*}" || die "${pair%%=*} is still missing"; done
}

# .NET is not in Debian, so it is not installed here.
need_dotnet() {
  have_commands dotnet || die "the .NET SDK is missing: see https://dot.net/download (version $(dotnet_wanted) or later)"
  (cd "$repo_root" && dotnet --version >/dev/null) || die "the .NET SDK is too old: $(dotnet_wanted) or later is needed"
}

dotnet_wanted() { sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$repo_root/global.json"; }

# Builds projects: build_release directory ...
build_release() {
  local project
  for project in "$@"; do
    dotnet build "$repo_root/$project" -c Release -nologo -v quiet -clp:NoSummary
  done
}

# What compiles the programs to native code.
setup_publish() {
  need_dotnet
  need_commands gcc=gcc
  # By a header, as not every Linux has Debian's packages.
  gcc -E -include stdlib.h -x c /dev/null >/dev/null 2>&1 || need_packages libc6-dev
}

# Publishes both programs as they ship: publish_programs directory
publish_programs() {
  local directory=$1 work
  setup_publish
  mkdir -p "$directory"
  directory=$(cd "$directory" && pwd)
  work=$(mktemp -d)
  publish_program src/Sidecar "$work/sidecar"
  publish_program src/Cli "$work/stagectl"
  # Renamed into place: one that runs is replaced, not written to.
  mv "$work/sidecar/Sidecar" "$directory/glance-staging-sidecar"
  mv "$work/stagectl/stagectl" "$directory/stagectl"
  rm -rf "$work"
}

publish_program() {
  dotnet publish "$repo_root/$1" -c Release -r linux-x64 -nologo -v quiet -o "$2" -p:DebugType=none
}

# Has the tests run the programs that ship, which start several times faster: ship_for_tests directory
ship_for_tests() {
  publish_programs "$1"
  use_shipped "$1"
}

# As ship_for_tests, of programs that are there.
use_shipped() {
  TEST_SIDECAR=$(realpath "$1")/glance-staging-sidecar
  TEST_STAGECTL=$(realpath "$1")/stagectl
  export TEST_SIDECAR TEST_STAGECTL
}

# Where build_release puts a program: built_program directory name
built_program() { printf '%s/%s/bin/Release/net10.0/%s\n' "$repo_root" "$1" "$2"; }

# Waits until a condition holds or the seconds are over: wait_for 30 command ...
wait_for() {
  local seconds=$1 end
  end=$((SECONDS + seconds))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# As need_commands, for packages that bring no command: need_packages package ...
need_packages() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  say "Installing ${missing[*]}"
  apt_install "${missing[@]}"
}

# What all tests together need.
setup_tests() {
  need_dotnet
  need_commands qemu-img=qemu-utils openssl=openssl strace=strace ip=iproute2 tc=iproute2 nft=nftables \
    promtool=prometheus chromium=chromium protoc=protobuf-compiler \
    grpc_python_plugin=protobuf-compiler-grpc zip=zip gzip=gzip xz=xz-utils zstd=zstd bzip2=bzip2 lbzip2=lbzip2 lz4=lz4 lhasa=lhasa node=nodejs npm=npm prlimit=util-linux \
    script=bsdutils kill=procps mount=mount
  # protoc's package leaves out google/protobuf/*.proto, which the API's protos import.
  need_packages python3 python3-grpcio python3-protobuf libprotobuf-dev
  setup_interop
  setup_chart_tests
  setup_glance
  setup_ceph
  setup_image
}

# The clients of others: gRPC for C++, and grpc-js; and an S3 server that is not Ceph's. From npm also the protos of the health
# service and of reflection.
setup_interop() {
  need_commands g++=g++ make=make pkg-config=pkg-config protoc=protobuf-compiler \
    grpc_cpp_plugin=protobuf-compiler-grpc node=nodejs npm=npm
  need_packages libgrpc++-dev libprotobuf-dev
  local program
  for program in js s3; do
    npm ci --prefix "$repo_root/tests/Sidecar.FunctionalTests/foreign/$program" --no-audit --no-fund --loglevel=error
  done
}

# What renders the chart, Go and the libraries of helm's engine, and what evaluates its CEL.
setup_chart_tests() {
  need_commands go=golang-go promtool=prometheus node=nodejs npm=npm
  need_packages golang-github-masterminds-sprig-dev golang-k8s-sigs-yaml-dev golang-github-xeipuuv-gojsonschema-dev \
    golang-github-gobwas-glob-dev
  npm ci --prefix "$repo_root/tests/Chart.Tests/cel" --no-audit --no-fund --loglevel=error
}

# The real Glance with all that it stands on, for the tests that run it.
setup_glance() {
  need_dotnet
  need_commands mariadbd=mariadb-server haproxy=haproxy gunicorn=gunicorn apache2=apache2 glance=python3-glanceclient \
    openstack=python3-openstackclient tempest=tempest qemu-img=qemu-utils protoc=protobuf-compiler kill=procps mount=mount
  need_packages glance-api libapache2-mod-wsgi-py3 uwsgi-plugin-python3 python3-pymysql python3-pip python3-setuptools python3-wheel \
    python3-grpcio python3-protobuf libprotobuf-dev
}

# A one-node Ceph with its S3 server, and what Glance's drivers for them need.
setup_ceph() {
  need_commands ceph-mon=ceph-mon ceph-osd=ceph-osd rbd=ceph-common radosgw=radosgw radosgw-admin=ceph-common
  need_packages python3-rbd python3-rados python3-boto3
}

# What builds and runs the container image without an engine's daemon.
setup_image() {
  need_dotnet
  need_commands buildah=buildah podman=podman runc=runc catatonit=catatonit debootstrap=debootstrap qemu-img=qemu-utils
}

# What builds the C++ client of the benchmarks, and measures by it.
setup_stage_client() {
  need_dotnet
  need_commands g++=g++ protoc=protobuf-compiler grpc_cpp_plugin=protobuf-compiler-grpc pkg-config=pkg-config python3=python3
  need_packages libgrpc++-dev libprotobuf-dev
}

# What the benchmarks need: the demo's needs, and those of others to compare with.
setup_bench() {
  setup_stage_client
  need_commands qemu-img=qemu-utils xz=xz-utils zstd=zstd bzip2=bzip2 lz4=lz4 lhasa=lhasa \
    pigz=pigz lbzip2=lbzip2 pzstd=zstd nginx=nginx node=nodejs npm=npm curl=curl gunicorn=gunicorn
  need_packages glance-api python3-grpcio python3-protobuf
}

# The revision that uploads must not cost more than.
bench_baseline() { sed -n '/^[^#]/{s/[[:space:]].*//;p;q}' "$repo_root/eng/bench-baseline"; }
