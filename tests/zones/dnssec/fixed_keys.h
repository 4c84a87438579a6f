#pragma once

#include <array>
#include <string_view>

namespace swingover::dnssec::tests {

/// Keys of example.test. that dnssec-keygen wrote once, for one test alone. They stand in memory that is not written to, so
/// that a test that looks for copies finds none but those that were made.
struct FixedKey {
  std::string_view record;        // the .key file
  std::string_view private_text;  // the .private file
  /// Numbers that the library may come upon on its way and that give the key away, in base64.
  std::array<std::string_view, 2> derived;
};

/// RSA of 1024 bits; derived: (p-1)(q-1), and the least common multiple of p-1 and q-1.
inline constexpr FixedKey fixed_rsa_key{
    .record =
        "example.test. IN DNSKEY 257 3 8 "
        "AwEAAdT9Zb3yc7FK7ugfhaYSZXo7mWv2rkFpifgs2k+"
        "zzcm1uAR8DSvWXaa4jqP3X64vvkaKdjiH0o5nxRMTBD1R5cFH"
        "733WGdoq6uSdL4PM8kJ5cSbFW3BSthvvUDKAMKXxOfaZLNkadoD7RMOa5Vk0jzem8vWGZvYvT3x8RxldjGqV\n",
    .private_text =
        "Private-key-format: v1.3\n"
        "Algorithm: 8 (RSASHA256)\n"
        "Modulus: "
        "1P1lvfJzsUru6B+FphJlejuZa/auQWmJ+CzaT7PNybW4BHwNK9ZdpriOo/"
        "dfri++Rop2OIfSjmfFExMEPVHlwUfvfdYZ"
        "2irq5J0vg8zyQnlxJsVbcFK2G+9QMoAwpfE59pks2Rp2gPtEw5rlWTSPN6by9YZm9i9PfHxHGV2MapU=\n"
        "PublicExponent: AQAB\n"
        "PrivateExponent: "
        "p0bIdFEJufF/BsFTBuYl2sUaLqfTnb4UxNv9LWGqusPEXYlMEuTOMpV6OZ6b/"
        "8KxbtdqF+XcYUlwhxWFW9+JUD94gxfN"
        "EACSDXeyovhUtUwtHBqytjVvf3IxMQGUpWZL8XY4PjVxZ7R3kUj2nJi/wuDiYJlIdt5l9tI+KzkVyvU=\n"
        "Prime1: "
        "8gj/J3ufpeB3uJ2uvpKWoi8zfwxfkuqyOWlC9ZIsIVyld8T7pQ9LHluWjL3QpHv+Nuhz8R/ZuxR4SJgiEv0AUw==\n"
        "Prime2: "
        "4UdiWv/4449mvd0vYNQyQ9IqYkgeH2etKkIOsp01J9jcmLNl7EGJ/40W8xusZXV4oUTqJDItG0g8P8teSjEsdw==\n"
        "Exponent1: "
        "wuhL0VfUcJga0SjqF72kYGbyaVVlgcJOU71YlrlnoFYjShfvLjTqoT/QNPaGlm7jgQQgmgS0KduKIauhhPkI0Q==\n"
        "Exponent2: "
        "GNpFMYDXtlMVpJCIL4h5Wx4OavVFzXUkl2reMDpDqPe1rmrsLZo1XSn1hDBjXnYNLs1pf0DB1Sas7uTCrDCslQ==\n"
        "Coefficient: "
        "J+FyEJ3lxaY1PMRbYL2de5SR9KlV1KawGpdAKbFodLkdFs+8aOEHIm8HUirompYoJECKm29YEmYZuCqnGai4Xg=="
        "\n",
    .derived = {"1P1lvfJzsUru6B+FphJlejuZa/auQWmJ+CzaT7PNybW4BHwNK9ZdpriOo/"
                "dfri++Rop2OIfSjmfFExMEPVHlv3SfHFOe"
                "QaF7Bia0pa2LeZNvyOQG8qBjvIuk4NgBRKgEdIi0d4klq91cFhsL3CqdwM7Fl3EU71jyx/PjmQBePcw=",
                "an6y3vk52KV3dA/C0wkyvR3MtftXILTE/"
                "BZtJ9nm5NrcAj4Glesu01xHUfuv1xffI0U7HEPpRzPiiYmCHqjy37pPjinP"
                "INC9gxNaUtbFvMm35HIDeVAx3kXScGwAolQCOkRaO8SS1e6uCw2F7hVO4Gdiy7iKd6x5Y/nxzIAvHuY="},
};

inline constexpr FixedKey fixed_p256_key{
    .record =
        "example.test. IN DNSKEY 257 3 13 "
        "yB1ANHyJm/"
        "RNCkZGxvP51mCiPowqI6Us+hJE2glpa2eJoIhg4WRQfQ0zQRb0sAd1DsXZbyRC4EImAN3FOUuvgQ==\n",
    .private_text =
        "Private-key-format: v1.3\n"
        "Algorithm: 13 (ECDSAP256SHA256)\n"
        "PrivateKey: 0MSlOEGvPSRgF7RUjRdA8no+rwCb60fz5cq0lKzl9UI=\n",
    .derived = {},
};

inline constexpr FixedKey fixed_ed25519_key{
    .record = "example.test. IN DNSKEY 257 3 15 ppicw02qqLQdUb7TIfbSjjvGjsvbXlIvTIGlPQ0sSug=\n",
    .private_text =
        "Private-key-format: v1.3\n"
        "Algorithm: 15 (ED25519)\n"
        "PrivateKey: gN31bGlfoK0BLn22cNncLoBHjYzf2yX+Yp9FGGbX1HE=\n",
    .derived = {},
};

}  // namespace swingover::dnssec::tests
