;; policy: ic
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (memory 1)
  (func (export "canister_init"))
  (func (export "canister_query greet") call $reply)
  (func (export "canister_update set") call $reply)
  (func (export "_initialize") i32.const 0 i32.const 0 call $print))
