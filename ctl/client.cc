#include "ctl/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/text.h"

namespace swingover::ctl {

namespace {

constexpr std::string_view port_default = "8053";
constexpr size_t reply_size_max = size_t{64} << 20U;

bool is_host_or_port(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_' ||
           c == ':' || c == '%';
  });
}

bool is_port(std::string_view text) {
  const auto number = parse_number(text);
  return number && *number > 0 && *number <= 65535;
}

}  // namespace

Result<ServerAddress> parse_server_address(std::string_view text) {
  const Error wrong{ErrorCode::invalid,
                    "not an admin address such as 127.0.0.1:8053, "
                    "http://[::1]:8053 or unix:/run/swingover/admin.sock: " +
                        std::string(text)};
  if (text.starts_with("unix:")) {
    const std::string path(text.substr(5));
    if (!path.starts_with('/')) return wrong;
    return ServerAddress{"http://localhost", path, std::string(text)};
  }
  std::string_view rest = text;
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  if (rest.ends_with('/')) rest.remove_suffix(1);

  std::string_view host = rest;
  std::string_view port = port_default;
  const size_t bracket = rest.rfind(']');
  const size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
  }
  std::string_view bare = host;
  const bool bracketed = bare.starts_with('[') && bare.ends_with(']');
  if (bracketed) bare = bare.substr(1, bare.size() - 2);
  const bool has_colon = bare.find(':') != std::string_view::npos;
  if (!is_host_or_port(bare) || has_colon != bracketed || !is_port(port)) return wrong;
  return ServerAddress{"http://" + std::string(host) + ":" + std::string(port), "",
                       std::string(text)};
}

std::string url_escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) ||
        std::string_view("-._~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

struct Client::Handle {
  CURL* curl = curl_easy_init();
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { curl_easy_cleanup(curl); }
};

Client::Client(ServerAddress server)
    : server_(std::move(server)), handle_(std::make_unique<Handle>()) {}

Client::~Client() = default;

Result<Reply> Client::get(const std::string& path) {
  return call("GET", path, nullptr);
}

Result<Reply> Client::post(const std::string& path, const std::string& json) {
  return call("POST", path, &json);
}

Result<Reply> Client::remove(const std::string& path) {
  return call("DELETE", path, nullptr);
}

namespace {

size_t take_bytes(char* bytes, size_t one, size_t count, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + count > reply_size_max) return 0;  // curl then ends with CURLE_WRITE_ERROR
  text.append(bytes, one * count);
  return one * count;
}

}  // namespace

Result<Reply> Client::call(const char* method, const std::string& path, const std::string* body) {
  CURL* curl = handle_->curl;
  if (curl == nullptr) return Error{ErrorCode::system, "libcurl did not start"};
  curl_easy_reset(curl);

  Reply reply;
  std::array<char, CURL_ERROR_SIZE> words{};
  const std::string url = server_.base_url + path;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 2'000L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 60'000L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
  if (!server_.unix_path.empty()) {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, server_.unix_path.c_str());
  }

  curl_slist* headers = nullptr;
  if (body != nullptr) {
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->c_str());
  }
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);

  if (code == CURLE_WRITE_ERROR)
    return Error{ErrorCode::system, "the answer is larger than 64 MiB"};
  if (code == CURLE_COULDNT_CONNECT) {
    return Error{ErrorCode::unavailable,
                 "cannot connect; is swingoverd running, and is this its [admin] listen?"};
  }
  if (code != CURLE_OK) {
    std::string why = words[0] != '\0' ? words.data() : curl_easy_strerror(code);
    return Error{ErrorCode::unavailable, std::move(why)};
  }
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  return reply;
}

}  // namespace swingover::ctl
