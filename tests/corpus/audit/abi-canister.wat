;; A canister that is audited for a WASI host.
;; policy: wasip1
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "time" (func $time (result i64)))
  (func (export "canister_query now") (drop (call $time)) call $reply))
