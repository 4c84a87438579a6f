#!/usr/bin/env bash
# Everything is down: each service answers as its when_all_down says, and comes back.
source "$(dirname "$0")/lib.sh"

empty_with_soa() {
  local told; told=$(raw_ask "$1" A)
  grep -q "status: NOERROR" <<<"$told" && grep -q "ANSWER: 0, AUTHORITY: 1" <<<"$told" && grep -qP "\tSOA\t" <<<"$told" ||
    fail "$1: not NODATA with its SOA: $told"
}

# Resolvers and their people are told why, whatever the answer is, and nobody else is told that.
says_all_down() {
  local told; told=$(raw_ask "$1" A)
  grep -q "^; EDE: 0 (Other): (all endpoints down)$" <<<"$told" || fail "$1: without its extended error: $told"
}
says_no_error() {
  local told; told=$(raw_ask "$1" A)
  ! grep -q "EDE" <<<"$told" || fail "$1: with an extended error: $told"
}

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon all_down.toml
for rule in all last nodata servfail; do within 5 expect "127.0.1.1" $rule.svc.example.test A; done

stop_backend fra
for rule in all last nodata servfail; do within 5 expect "127.0.2.1" $rule.svc.example.test A; done
for rule in all last nodata servfail; do says_no_error $rule.svc.example.test; done

stop_backend ams
within 5 expect_rcode SERVFAIL servfail.svc.example.test A
within 5 empty_with_soa nodata.svc.example.test
within 5 expect "127.0.3.1" last.svc.example.test A
within 5 expect "127.0.1.1" all.svc.example.test A      # by its policy, as if all were up
for rule in all last nodata servfail; do says_all_down $rule.svc.example.test; done
expect "127.0.2.1" ams.on.all.svc.example.test A        # whatever its health
says_no_error ams.on.all.svc.example.test

start_backend ams 127.0.2.1
for rule in all last nodata servfail; do within 10 expect "127.0.2.1" $rule.svc.example.test A; done
start_backend fra 127.0.1.1
for rule in all last nodata servfail; do within 10 expect "127.0.1.1" $rule.svc.example.test A; done
for rule in all last nodata servfail; do says_no_error $rule.svc.example.test; done
