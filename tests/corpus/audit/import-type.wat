;; An import with a correct name and a wrong type. No host instantiates this module.
;; policy: wasip1
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i32 i32) (result i32)))
  (func (export "_start") i32.const 0 i32.const 0 i32.const 0 call $time drop))
