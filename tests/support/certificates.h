#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace swingover::tests {

/// Certificates of a CA of its own, made once a run by openssl: good, soon, other, expired (all for
/// shop.example.test but the third), and self, which signed itself.
class Certificates {
 public:
  static const Certificates& made() {
    static const Certificates all;
    return all;
  }
  std::string file(const std::string& name) const { return folder_ + '/' + name; }

 private:
  Certificates() {
    char name[] = "/tmp/swingover-test-XXXXXX";
    folder_ = mkdtemp(name);
    const std::string script = "cd " + folder_ + R"( && exec 2>/dev/null
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
        -days 30 -subj "/CN=Test CA" || exit 1
      make() { # name, subject's name, extra arguments of the signing
        file=$1; name=$2; shift 2
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $file.key -out $file.csr \
          -subj "/CN=$name" || exit 1
        printf 'subjectAltName=DNS:%s,IP:127.3.0.5\n' "$name" > $file.ext
        openssl x509 -req -in $file.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile $file.ext \
          -out $file.pem "$@" || exit 1
      }
      make good shop.example.test -days 20
      make soon shop.example.test -days 3
      sleep 1.1  # whole days ahead no longer: "soon" has less than three left
      make other other.example.test -days 20
      make expired shop.example.test -days -1
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key -out self.pem \
        -days 20 -subj "/CN=shop.example.test" -addext "subjectAltName=DNS:shop.example.test" || exit 1
    )";
    if (std::system(script.c_str()) != 0) throw std::runtime_error("openssl makes no certificates");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

}  // namespace swingover::tests
