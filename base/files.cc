#include "base/files.h"

#include <filesystem>
#include <system_error>

#include "base/siphash.h"

namespace swingover {

uint64_t content_hash(std::string_view text) {
  constexpr SipKey key{0x66696c6520666f72, 0x7468652070617374};
  return siphash(key, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

bool Files::is_special(const std::string& path) const {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored);
}

Files& Files::on_disk() {
  static Files files;
  return files;
}

Result<std::string> NotedFiles::read(const std::string& path, size_t size_max) {
  Result<std::string> text = Files::read(path, size_max);
  if (!noted_.insert(path).second) return text;
  ReadFile& note = read_.emplace_back();
  note.path = path;
  note.is_missing = !text;
  if (!text) return text;
  note.size = text->size();
  note.hash = content_hash(*text);
  if (text->size() <= noted_max) note.content = std::make_shared<const std::string>(*text);
  return text;
}

}  // namespace swingover
