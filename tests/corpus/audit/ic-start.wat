;; The start function calls an import that it must not call.
;; policy: ic
(module
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (func $clock call $time drop)
  (func $start i32.const 0 i32.const 0 call $print call $clock)
  (start $start)
  (memory 1))
