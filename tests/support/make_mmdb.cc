// Makes a MaxMind database of the lines it reads: PREFIX [asn=N] [country=CC] [part=CC-XX] [at=LATITUDE,LONGITUDE]
//   make_mmdb < lines > city.mmdb
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

#include "tests/support/mmdb_writer.h"

int main() {
  swingover::tests::MmdbWriter writer;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    const auto prefix = swingover::parse_ip_prefix(word);
    if (!prefix) {
      std::cerr << line << ": " << prefix.error().message << '\n';
      return 1;
    }
    swingover::zones::GeoFacts facts;
    while (words >> word) {
      const std::string value = word.substr(word.find('=') + 1);
      if (word.starts_with("asn=")) facts.asn = static_cast<uint32_t>(std::stoul(value));
      if (word.starts_with("country=")) facts.country = value;
      if (word.starts_with("part=")) facts.subdivision = value;
      if (word.starts_with("at=")) {
        const size_t comma = value.find(',');
        facts.coordinates = {std::stod(value.substr(0, comma)), std::stod(value.substr(comma + 1))};
      }
    }
    writer.add(*prefix, facts);
  }
  const std::string out = writer.finish();
  return std::fwrite(out.data(), 1, out.size(), stdout) == out.size() ? 0 : 1;
}
