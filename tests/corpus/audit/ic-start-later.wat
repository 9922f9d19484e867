;; The start function refers to a function that calls a forbidden import, but does not call that
;; function.
;; policy: ic
(module
  (import "ic0" "time" (func $time (result i64)))
  (elem declare func $later)
  (func $later call $time drop)
  (func $start i32.const 0 ref.func $later drop drop)
  (start $start))
