#pragma once

#include <array>
#include <span>
#include <string_view>

#include "tests/support/served.h"
#include "tests/support/validator.h"

namespace swingover::tests {

/// What answers in respond_fuzz: zones and services with short names, so that mutations meet them, in every
/// corner that respond() has; one that amplifies and asks for nothing, one that wants cookies.
zones::Model respond_model();
/// The same with two of its zones signed, by one key; `validator` trusts it.
zones::Model signed_respond_model(Validator& validator);
zones::Answering open_answering();
zones::Answering strict_answering();

/// The places of services that are within capacity, and whose pools may serve anybody.
std::span<const uint32_t> respond_steered();
/// Of each such service and the one with a fence: who serves whom, in one of four ways.
void set_share_rows(const zones::Snapshot& snapshot, unsigned way);

/// Names that the model has, or that lead somewhere in it, in presentation form.
std::span<const std::string_view> respond_names();

/// Clients of several localities and families.
std::span<const IpAddress> respond_clients();

inline constexpr uint32_t respond_now = 1'800'000'000;

}  // namespace swingover::tests
