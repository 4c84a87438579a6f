#include "base/bytes.h"

#include <array>
#include <catch2/catch.hpp>

namespace swingover {

TEST_CASE("numbers are written and read with their highest byte first", "[bytes]") {
  std::array<uint8_t, 17> room{};
  ByteWriter writer(room);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  const std::array<uint8_t, 2> tail{0x10, 0x11};
  writer.put(tail);
  CHECK_FALSE(writer.failed());
  CHECK(writer.left() == 0);
  for (size_t i = 0; i < room.size(); ++i) CHECK(room[i] == i + 1);

  ByteReader reader(writer.written());
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.at() == 7);
  CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
  CHECK(reader.rest().size() == 2);
  CHECK_FALSE(reader.failed());
}

TEST_CASE("a read past the end gives zero, fails and stays failed", "[bytes]") {
  const std::array<uint8_t, 3> bytes{1, 2, 3};
  ByteReader reader(bytes);
  CHECK(reader.u32() == 0);
  CHECK(reader.failed());
  CHECK(reader.u8() == 0);
  CHECK(reader.left() == 0);
  CHECK(reader.rest().empty());
  CHECK(reader.failed());

  ByteReader huge(bytes);
  CHECK(huge.take(SIZE_MAX).empty());
  CHECK(huge.failed());
}

TEST_CASE("a write past the end fails and changes nothing", "[bytes]") {
  std::array<uint8_t, 3> room{9, 9, 9};
  ByteWriter writer(room);
  writer.u16(0x0102);
  writer.u16(0x0304);
  CHECK(writer.failed());
  CHECK(writer.at() == 2);
  CHECK(writer.written().size() == 2);
  CHECK(room[2] == 9);
  const std::array<uint8_t, 2> two{7, 7};
  writer.put(two);
  CHECK(room[2] == 9);
}

TEST_CASE("nothing can be read from and written into no room", "[bytes]") {
  ByteReader reader({});
  CHECK(reader.rest().empty());
  CHECK_FALSE(reader.failed());
  ByteWriter writer({});
  writer.put({});
  CHECK_FALSE(writer.failed());
  writer.u8(1);
  CHECK(writer.failed());
}

}  // namespace swingover
