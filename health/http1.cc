#include "health/http1.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/text.h"
#include "base/version.h"

namespace swingover::health {

namespace {

constexpr size_t shown_max = 16;
constexpr uint64_t length_max = uint64_t{1} << 62;

bool is_token(std::string_view name) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [marks](unsigned char c) {
    return (c < 0x80 && std::isalnum(c)) || marks.find(static_cast<char>(c)) != marks.npos;
  });
}

/// What somebody sent instead of HTTP, short enough to be the same at each probe.
std::string shown(std::string_view line) {
  std::string text(line.substr(0, shown_max));
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
  return text;
}

std::optional<uint64_t> parse_hex(std::string_view digits) {
  uint64_t value = 0;
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value, 16);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

bool holds_word(std::string_view list, std::string_view word) {
  return std::ranges::any_of(
      split(list, ','), [word](std::string_view item) { return lower(trimmed(item)) == word; });
}

}  // namespace

void HttpAnswer::set(std::string_view name, std::string_view value) {
  if (name == "location") location = value;
  if (name == "content-type") content_type = value;
  if (name == "grpc-status") grpc_status = value;
  if (name == "grpc-message") grpc_message = value;
}

void HttpAnswer::append(std::string_view octets, bool keep) {
  const std::string_view taken = octets.substr(0, body_max - body_size);
  body_size += taken.size();
  if (keep) body += taken;
  if (body_size >= body_max) heard = Heard::cut;
}

void Http1::ask(const HttpRequest& request, bool keep_body) {
  answer_ = {};
  answer_.body_max = request.answer_max;
  next_ = Next::status_line;
  line_.clear();
  header_octets_ = 0;
  length_.reset();
  chunked_ = coded_ = closes_ = false;
  is_head_ = request.method == "HEAD";
  keep_alive_ = request.keep_alive;
  keep_body_ = keep_body;

  const auto has = [&request](std::string_view name) {
    return std::ranges::any_of(request.headers,
                               [name](const auto& header) { return lower(header.first) == name; });
  };
  std::string& out = output_;
  out.reserve(out.size() + 256 + request.path.size() + request.body.size());
  out.append(request.method).append(" ").append(request.path).append(" HTTP/1.1\r\nHost: ");
  out.append(request.authority).append("\r\n");
  if (!has("user-agent")) out.append("User-Agent: swingover/").append(version).append("\r\n");
  if (!has("accept")) out.append("Accept: */*\r\n");
  if (!request.keep_alive) out.append("Connection: close\r\n");
  for (const auto& [name, value] : request.headers) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!request.body.empty() || request.method == "POST") {
    out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  out.append("\r\n").append(request.body);
}

void Http1::receive(std::string_view octets) {
  while (!octets.empty() && !answer_.is_over()) {
    if (next_ == Next::body || next_ == Next::body_to_end || next_ == Next::chunk) {
      on_body(octets);
      continue;
    }
    std::string_view line;
    if (!take_line(octets, line)) return;
    on_line(line);
    line_.clear();
  }
  // Nobody asked for more: what it belongs to is not the next answer.
  if (!octets.empty()) answer_.reusable = false;
}

/// A whole line without its end, from `line_` and `octets`; false: there is none yet.
bool Http1::take_line(std::string_view& octets, std::string_view& line) {
  const size_t end = octets.find('\n');
  const size_t taken = end == octets.npos ? octets.size() : end + 1;
  header_octets_ += taken;
  if (header_octets_ > HttpAnswer::headers_max) {
    answer_.break_off("headers of more than 64 KiB");
    return false;
  }
  // The first octets tell already that this is not HTTP; its speaker may wait for us.
  if (line_.empty() && end != octets.npos) {
    line = octets.substr(0, end);
  } else {
    line_.append(octets.substr(0, end == octets.npos ? octets.size() : end));
    line = line_;
  }
  octets.remove_prefix(taken);
  if (end == std::string_view::npos) {
    constexpr std::string_view start = "HTTP/1.";
    const size_t seen = std::min(line_.size(), start.size());
    if (next_ == Next::status_line && line_.substr(0, seen) != start.substr(0, seen)) {
      on_status_line(line_);
    }
    return false;
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

void Http1::on_line(std::string_view line) {
  switch (next_) {
    case Next::status_line:
      return on_status_line(line);
    case Next::header:
    case Next::trailer:
      return on_header(line);
    case Next::chunk_size:
      return on_chunk_size(line);
    case Next::chunk_end:
      next_ = Next::chunk_size;
      if (!line.empty()) answer_.break_off("not an HTTP answer: a chunk without its end");
      return;
    default:
      return;
  }
}

void Http1::on_status_line(std::string_view line) {
  // "HTTP/1.1 200 OK"; the words may be missing, and with them the blank before.
  const bool is_status = line.size() >= 12 && line.starts_with("HTTP/1.") &&
                         (line[7] == '0' || line[7] == '1') && line[8] == ' ' &&
                         (line.size() == 12 || line[12] == ' ');
  const auto status = is_status ? parse_number(line.substr(9, 3)) : std::nullopt;
  if (!status || *status < 100 || *status > 599) {
    return answer_.break_off("not an HTTP answer: \"" + shown(line) + '"');
  }
  answer_.status = static_cast<uint16_t>(*status);
  answer_.heard = HttpAnswer::Heard::status;
  closes_ = line[7] == '0';
  next_ = Next::header;
}

void Http1::on_header(std::string_view line) {
  if (line.empty()) return next_ == Next::trailer ? finish() : on_headers_end();
  const size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) {
    return answer_.break_off("not an HTTP answer: header \"" + shown(line) + '"');
  }
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1));
  answer_.set(name, value);
  if (next_ == Next::trailer) return;
  if (name == "content-length") {
    const auto length = parse_number(value);
    if (!length || *length > length_max || (length_ && *length_ != *length)) {
      return answer_.break_off("not an HTTP answer: a Content-Length that makes no sense");
    }
    length_ = length;
  } else if (name == "transfer-encoding") {
    const auto codings = split(value, ',');
    chunked_ = lower(trimmed(codings.back())) == "chunked";
    coded_ = !chunked_;
  } else if (name == "connection") {
    closes_ = holds_word(value, "close") || (closes_ && !holds_word(value, "keep-alive"));
  }
}

void Http1::on_headers_end() {
  const uint16_t status = answer_.status;
  if (status < 200 && status != 101) {  // RFC 9110 section 15.2: another one follows
    answer_.heard = HttpAnswer::Heard::nothing;
    next_ = Next::status_line;
    length_.reset();
    chunked_ = coded_ = false;
    return;
  }
  answer_.heard = HttpAnswer::Heard::headers;
  if (is_head_ || status == 101 || status == 204 || status == 304) return finish();
  if (chunked_) {
    next_ = Next::chunk_size;
  } else if (length_ && !coded_) {
    left_ = *length_;
    next_ = Next::body;
    if (left_ == 0) finish();
  } else {
    next_ = Next::body_to_end;
    closes_ = true;
  }
}

void Http1::on_chunk_size(std::string_view line) {
  const auto size = parse_hex(trimmed(line.substr(0, line.find(';'))));
  if (!size) return answer_.break_off("not an HTTP answer: a chunk without a size");
  left_ = *size;
  next_ = left_ == 0 ? Next::trailer : Next::chunk;
  // Chunks of single octets are no headers: a long body of them is fine.
  header_octets_ = 0;
}

void Http1::on_body(std::string_view& octets) {
  size_t taken = octets.size();
  if (next_ != Next::body_to_end) {
    taken = static_cast<size_t>(std::min<uint64_t>(left_, taken));
    left_ -= taken;
  }
  answer_.append(octets.substr(0, taken), keep_body_);
  octets.remove_prefix(taken);
  if (answer_.is_over() || next_ == Next::body_to_end || left_ > 0) return;
  if (next_ == Next::body) return finish();
  next_ = Next::chunk_end;
}

void Http1::finish() {
  next_ = Next::nothing;
  answer_.heard = HttpAnswer::Heard::whole;
  answer_.reusable = keep_alive_ && !closes_ && answer_.status != 101;
}

void Http1::end() {
  if (answer_.is_over()) {
    answer_.reusable = false;
    return;
  }
  if (next_ == Next::body_to_end) {
    finish();
  } else if (answer_.heard == HttpAnswer::Heard::headers) {
    answer_.break_off("closed by the other end before the end of the body");
  } else if (answer_.heard == HttpAnswer::Heard::status) {
    answer_.break_off("closed by the other end before the end of the headers");
  } else if (!line_.empty()) {
    answer_.break_off("not an HTTP answer: \"" + shown(line_) + '"');
  } else {
    answer_.break_off("closed by the other end without an answer");
  }
}

}  // namespace swingover::health
