;; A canister with a 64-bit memory: addresses and sizes are i64, other numbers keep their types.
;; policy: ic
(module
  (import "ic0" "debug_print" (func $print (param i64 i64)))
  (import "ic0" "is_controller" (func $is_controller (param i64 i64) (result i32)))
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (memory i64 1)
  (func (export "canister_query hello")
    (call $print (i64.const 0) (i64.const 5))
    (drop (call $is_controller (i64.const 0) (i64.const 5)))
    (drop (call $size))))
