#include "health/http2.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "base/version.h"

namespace swingover::health {

struct Http2::Core {
  explicit Core(HttpAnswer& a) : answer(a) {}
  ~Core() { nghttp2_session_del(session); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  HttpAnswer& answer;
  nghttp2_session* session = nullptr;
  int32_t stream = -1;
  std::string body;  // of the request, what is not sent yet
  bool keep_alive = false;
  bool keep_body = false;
  bool is_leaving = false;   // the other end said GOAWAY
  bool is_heard = false;     // anything at all came
  size_t header_octets = 0;  // as they are once unpacked, of all answers to one request
};

namespace {

Http2::Core& core_of(void* user) {
  return *static_cast<Http2::Core*>(user);
}

std::string_view text_of(const uint8_t* octets, size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
              const uint8_t* value, size_t value_size, uint8_t, void* user) {
  Http2::Core& core = core_of(user);
  if (frame->hd.stream_id != core.stream || core.answer.is_over()) return 0;
  const std::string_view key = text_of(name, name_size);
  const std::string_view text = text_of(value, value_size);
  // One octet of HPACK can stand for 4 KiB (RFC 7541 section 7.3): what is measured is what it unpacks to.
  core.header_octets += key.size() + text.size();
  if (core.header_octets > HttpAnswer::headers_max) {
    core.answer.break_off("headers of more than 64 KiB");
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  if (key == ":status") {
    core.answer.status = static_cast<uint16_t>(parse_number(text).value_or(0));
  } else {
    core.answer.set(key, text);
  }
  return 0;
}

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Http2::Core& core = core_of(user);
  if (frame->hd.type == NGHTTP2_GOAWAY) core.is_leaving = true;
  if (frame->hd.stream_id != core.stream || core.answer.is_over()) return 0;
  // An interim answer (1xx) is passed over.
  if (frame->hd.type == NGHTTP2_HEADERS && core.answer.status >= 200) {
    core.answer.heard = HttpAnswer::Heard::headers;
  }
  return 0;
}

int on_data(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* octets, size_t size,
            void* user) {
  Http2::Core& core = core_of(user);
  if (stream == core.stream && !core.answer.is_over()) {
    core.answer.append(text_of(octets, size), core.keep_body);
  }
  return 0;
}

int on_stream_close(nghttp2_session*, int32_t stream, uint32_t error, void* user) {
  Http2::Core& core = core_of(user);
  HttpAnswer& answer = core.answer;
  if (stream != core.stream || answer.is_over()) return 0;
  if (error != NGHTTP2_NO_ERROR) {
    answer.break_off(std::string("HTTP/2 stream ended with ") + nghttp2_http2_strerror(error));
  } else if (answer.heard != HttpAnswer::Heard::headers) {
    answer.break_off("closed by the other end without an answer");
  } else {
    answer.heard = HttpAnswer::Heard::whole;
    answer.reusable = core.keep_alive && !core.is_leaving;
  }
  return 0;
}

ssize_t read_body(nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t* flags,
                  nghttp2_data_source*, void* user) {
  std::string& body = core_of(user).body;
  const size_t taken = std::min(size, body.size());
  std::copy_n(body.data(), taken, into);
  body.erase(0, taken);
  if (body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(taken);
}

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  // nghttp2 copies both unless told otherwise; its struct is older than const.
  const auto octets = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

Http2::Http2() : core_(std::make_unique<Core>(answer_)) {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return;
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_session_client_new(&core_->session, callbacks, core_.get());
  nghttp2_session_callbacks_del(callbacks);
  if (!core_->session) return;
  const nghttp2_settings_entry no_push{NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  nghttp2_submit_settings(core_->session, NGHTTP2_FLAG_NONE, &no_push, 1);
}

Http2::~Http2() = default;

void Http2::ask(const HttpRequest& request, bool keep_body) {
  answer_ = {};
  if (!core_->session) return answer_.break_off("out of memory");
  core_->keep_alive = request.keep_alive;
  core_->keep_body = keep_body;
  core_->body = request.body;
  core_->header_octets = 0;
  const std::string agent = std::string("swingover/") + version;
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : request.headers) headers.emplace_back(lower(name), value);
  const auto add_default = [&headers](std::string_view name, const std::string& value) {
    const bool is_there =
        std::ranges::any_of(headers, [name](const auto& header) { return header.first == name; });
    if (!is_there) headers.emplace_back(name, value);
  };
  add_default("user-agent", agent);
  add_default("accept", "*/*");
  std::vector<nghttp2_nv> pairs{
      pair_of(":method", request.method), pair_of(":scheme", request.scheme),
      pair_of(":authority", request.authority), pair_of(":path", request.path)};
  for (const auto& [name, value] : headers) pairs.push_back(pair_of(name, value));
  nghttp2_data_provider body{};
  body.read_callback = read_body;
  const nghttp2_data_provider* provider = request.body.empty() ? nullptr : &body;
  core_->stream = nghttp2_submit_request(core_->session, nullptr, pairs.data(), pairs.size(),
                                         provider, nullptr);
  if (core_->stream < 0) return answer_.break_off("HTTP/2 has no stream left");
  collect_output();
}

void Http2::receive(std::string_view octets) {
  if (!core_->session) return;
  // Servers without HTTP/2 answer its preface with an error of their own version.
  if (!std::exchange(core_->is_heard, true) && octets.starts_with("HTTP/1")) {
    return answer_.break_off("the other end does not speak HTTP/2");
  }
  const ssize_t read = nghttp2_session_mem_recv(
      core_->session, reinterpret_cast<const uint8_t*>(octets.data()), octets.size());
  collect_output();
  const bool is_dead = read < 0 || (nghttp2_session_want_read(core_->session) == 0 &&
                                    nghttp2_session_want_write(core_->session) == 0);
  if (!is_dead && !core_->is_leaving) return;
  answer_.reusable = false;
  if (is_dead && !answer_.is_over()) answer_.break_off("not an HTTP/2 answer");
}

void Http2::end() {
  answer_.reusable = false;
  if (answer_.is_over()) return;
  answer_.break_off(answer_.heard == HttpAnswer::Heard::headers
                        ? "closed by the other end before the end of the body"
                        : "closed by the other end without an answer");
}

void Http2::collect_output() {
  const uint8_t* octets = nullptr;
  for (;;) {
    const ssize_t size = nghttp2_session_mem_send(core_->session, &octets);
    if (size <= 0) return;
    output_.append(text_of(octets, static_cast<size_t>(size)));
  }
}

}  // namespace swingover::health
